// DCC's own tools, as they are, and a gateway that has DCC Boxed's keys (docs/how-to/keys.md): a template becomes a request,
// is signed, sent, and its answer is proven and read: node dcc_tools.mjs GATEWAY_URL HUB, after
// npm install @smartdcc/duis-templates@0.5.0 @smartdcc/duis-parser @smartdcc/duis-sign-wrap (which needs a JRE)
import parser from "@smartdcc/duis-parser";
import signing from "@smartdcc/duis-sign-wrap";
import templates from "@smartdcc/duis-templates";
const [url, hub] = process.argv.slice(2);
if (!hub) throw new Error("it takes GATEWAY_URL HUB");
const { "8.2_READ_INVENTORY": template } = await templates.loadTemplates({});
const request = structuredClone(template.simplified);
request.body.ReadInventory.DeviceID = hub;
const signed = await signing.signDuis({ xml: parser.constructDuis("simplified", request) });
const answer = await fetch(`${url}/api/v1/serviceD`, {
  method: "POST",
  headers: { "Content-Type": "application/xml" },
  body: signed,
});
const document = await answer.text();
if (!answer.ok) {
  console.error(document);
  process.exit(1);
}
const response = parser.parseDuis("simplified", await signing.validateDuis({ xml: document }));
const code = response.header.responseCode;
const device = response.body?.ResponseMessage?.DSPInventory?.Device; // none with E19: no hub of this supplier
console.log(`${code.code ?? code}: ${device?.DeviceFirmwareVersion ?? "no such hub"}`);
process.exitCode = device ? 0 : 1;
