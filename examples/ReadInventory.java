// 8.2 with the JDK alone: java ReadInventory.java GATEWAY_URL KEY CERTIFICATE GATEWAY_CERTIFICATE SUPPLIER HUB
import java.io.*; import java.net.URI; import java.net.http.*; import java.nio.file.*; import java.util.*;
import java.security.*; import java.security.cert.*; import java.security.spec.*; import javax.xml.parsers.*;
import javax.xml.crypto.dsig.*; import javax.xml.crypto.dsig.dom.*; import javax.xml.crypto.dsig.spec.*; import org.w3c.dom.*;
class ReadInventory {
  static X509Certificate certificate(String file) throws Exception {
    return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream(file)); }
  static Document parse(String xml) throws Exception {
    var factory = DocumentBuilderFactory.newInstance(); factory.setNamespaceAware(true);
    return factory.newDocumentBuilder().parse(new ByteArrayInputStream(xml.getBytes("UTF-8"))); }
  public static void main(String[] a) throws Exception {
    if (a.length != 6) { System.err.println("it takes GATEWAY_URL KEY CERTIFICATE GATEWAY_CERTIFICATE SUPPLIER HUB"); System.exit(2); }
    var pem = Files.readString(Path.of(a[1])).replaceAll("-----.*?-----|\\s", "");
    var key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
    var counter = System.currentTimeMillis() * 1000000; var id = a[4] + ":90-B3-D5-1F-30-00-00-02:" + counter;
    var document = parse(("<sr:Request xmlns:sr='http://www.dccinterface.co.uk/ServiceUserGateway' schemaVersion='6.0'>"
        + "<sr:Header><sr:RequestID>%s</sr:RequestID><sr:CommandVariant>8</sr:CommandVariant><sr:ServiceReference>8.2"
        + "</sr:ServiceReference><sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant></sr:Header><sr:Body>"
        + "<sr:ReadInventory><sr:DeviceID>%s</sr:DeviceID></sr:ReadInventory></sr:Body></sr:Request>").formatted(id, a[5]));
    var xml = XMLSignatureFactory.getInstance("DOM"); var info = xml.getKeyInfoFactory(); var own = certificate(a[2]);
    var whole = xml.newReference("", xml.newDigestMethod(DigestMethod.SHA256, null),
        List.of(xml.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null)), null, null);
    var signed = xml.newSignedInfo(xml.newCanonicalizationMethod(CanonicalizationMethod.EXCLUSIVE, (C14NMethodParameterSpec) null),
        xml.newSignatureMethod("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", null), List.of(whole));
    var serial = info.newX509IssuerSerial(own.getIssuerX500Principal().getName(), own.getSerialNumber());
    var context = new DOMSignContext(key, document.getDocumentElement()); context.setDefaultNamespacePrefix("ds");
    xml.newXMLSignature(signed, info.newKeyInfo(List.of(info.newX509Data(List.of(serial))))).sign(context);
    var out = new StringWriter(); javax.xml.transform.TransformerFactory.newInstance().newTransformer().transform(
        new javax.xml.transform.dom.DOMSource(document), new javax.xml.transform.stream.StreamResult(out));
    var request = HttpRequest.newBuilder(URI.create(a[0] + "/api/v1/serviceD")).header("Content-Type", "application/xml")
        .POST(HttpRequest.BodyPublishers.ofString(out.toString())).build();
    var response = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) throw new Exception(response.body()); // why the gateway refuses the request
    var answer = parse(response.body());
    var signature = answer.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature").item(0);
    var good = xml.unmarshalXMLSignature(new DOMValidateContext(certificate(a[3]).getPublicKey(), signature));
    if (!good.validate(new DOMValidateContext(certificate(a[3]).getPublicKey(), signature))) throw new Exception("not signed by it");
    var version = answer.getElementsByTagNameNS("*", "DeviceFirmwareVersion").item(0); // none with E19: no hub of yours
    if (version == null) throw new Exception(answer.getElementsByTagNameNS("*", "ResponseCode").item(0).getTextContent());
    System.out.println(version.getTextContent()); } }
