// npm install xml-crypto@6 @xmldom/xmldom; node read_inventory.mjs URL KEY CERTIFICATE GATEWAY_CERTIFICATE SUPPLIER HUB
import { createSign, createVerify, X509Certificate } from "node:crypto"; import { SignedXml } from "xml-crypto";
import { readFileSync } from "node:fs"; import { DOMParser } from "@xmldom/xmldom";
const [url, key, certificate, gatewayCertificate, supplier, hub] = process.argv.slice(2);
if (!hub) throw new Error("it takes GATEWAY_URL KEY CERTIFICATE GATEWAY_CERTIFICATE SUPPLIER HUB");
const DS = "http://www.w3.org/2000/09/xmldsig#", ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const implicitTransforms = ["http://www.w3.org/TR/2001/REC-xml-c14n-20010315"]; // the digest's, as none is named
class Ecdsa { // xml-crypto has RSA alone; r and s stand one after the other
  getSignature = (data, privateKey) =>
    createSign("sha256").update(data).sign({ key: privateKey, dsaEncoding: "ieee-p1363" }, "base64");
  verifySignature = (data, publicKey, value) =>
    createVerify("sha256").update(data).verify({ key: publicKey, dsaEncoding: "ieee-p1363" }, value, "base64");
  getAlgorithmName = () => ECDSA;
}
const xml = (options) => {
  const made = new SignedXml({ implicitTransforms, ...options });
  return Object.assign(made.SignatureAlgorithms, { [ECDSA]: Ecdsa }), made;
};
const own = new X509Certificate(readFileSync(certificate));
const names = `<X509IssuerName>${own.issuer.split("\n").reverse().join(",")}</X509IssuerName>`;
const serial = `<X509SerialNumber>${BigInt("0x" + own.serialNumber)}</X509SerialNumber>`;
const ids = `<X509Data><X509IssuerSerial>${names}${serial}</X509IssuerSerial></X509Data>`.replace(/<(\/?)/g, "<$1ds:");
const signer = xml({ privateKey: readFileSync(key), signatureAlgorithm: ECDSA, getKeyInfoContent: () => ids,
  canonicalizationAlgorithm: "http://www.w3.org/2001/10/xml-exc-c14n#" });
signer.addReference({ xpath: "/*", uri: "", isEmptyUri: true, transforms: [DS + "enveloped-signature"],
  digestAlgorithm: "http://www.w3.org/2001/04/xmlenc#sha256" });
const id = `${supplier}:90-B3-D5-1F-30-00-00-02:${process.hrtime.bigint() + BigInt(Date.now()) * 1000000n}`;
const header = `<sr:RequestID>${id}</sr:RequestID><sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>8.2` +
  "</sr:ServiceReference><sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant>";
signer.computeSignature(`<sr:Request xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="6.0">` +
  `<sr:Header>${header}</sr:Header><sr:Body><sr:ReadInventory><sr:DeviceID>${hub}</sr:DeviceID></sr:ReadInventory>` +
  "</sr:Body></sr:Request>", { prefix: "ds" });
const post = { method: "POST", headers: { "Content-Type": "application/xml" }, body: signer.getSignedXml() };
const response = await fetch(url + "/api/v1/serviceD", post), answer = await response.text();
if (!response.ok) throw new Error(answer); // why the gateway refuses the request
const verifier = xml({ publicCert: readFileSync(gatewayCertificate) });
verifier.loadSignature(new DOMParser().parseFromString(answer, "text/xml").getElementsByTagNameNS(DS, "Signature")[0]);
if (!verifier.checkSignature(answer)) throw new Error("the answer is not signed by the gateway");
const [, code, version] = /<sr:ResponseCode>([^<]*)(?:.*?<sr:DeviceFirmwareVersion>([^<]*))?/s.exec(verifier.getSignedReferences()[0]);
version ? console.log(version) : process.exit(console.error(code) ?? 1); // such as E19: no hub of yours
