// A signed Service Request by node's soap: npm install soap; node soap_node.mjs GATEWAY_URL SIGNED_REQUEST SIGNED_RESPONSE
import { readFileSync, writeFileSync } from "node:fs";
import soap from "soap";
const [url, request, response] = process.argv.slice(2);
if (!response) throw new Error("it takes GATEWAY_URL SIGNED_REQUEST SIGNED_RESPONSE");
const signed = readFileSync(request, "utf8").replace(/^\s*<\?xml.*?\?>\s*/s, "");
const client = await soap.createClientAsync(`${url}/soap?wsdl`);
const place = "<signed/>"; // what is signed goes in, and comes out, octet for octet
try {
  const [typed, answer] = await client.SubmitServiceRequestAsync(
    { ServiceRequest: { $xml: place } },
    { postProcess: (envelope) => envelope.replace(place, () => signed) },
  );
  writeFileSync(response, answer.match(/<(\w+:)?Response\b.*<\/\1Response>/s)[0]);
  console.log(typed.ServiceResponse.Response.Header.ResponseCode);
} catch (fault) {
  console.error(fault.message);
  process.exit(1);
}
