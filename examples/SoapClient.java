// A signed Service Request by JAX-WS's classes: once "wsimport -d . -p duis GATEWAY_URL/soap?wsdl", and then
// java -cp .:JARS_OF_JAXWS SoapClient.java GATEWAY_URL SIGNED_REQUEST SIGNED_RESPONSE
import duis.SubmitServiceRequestResponse;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import javax.xml.bind.JAXBContext;
import javax.xml.soap.MessageFactory;

class SoapClient {
    // JAX-WS would write the signed request anew: it goes in, and comes out, octet for octet as text.
    static final String ENVELOPE = """
        <e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>\
        <g:SubmitServiceRequest xmlns:g="urn:duis-gateway:soap:1"><g:ServiceRequest>%s</g:ServiceRequest>\
        </g:SubmitServiceRequest></e:Body></e:Envelope>""";

    public static void main(String[] words) throws Exception {
        if (words.length != 3) throw new Exception("it takes GATEWAY_URL SIGNED_REQUEST SIGNED_RESPONSE");
        var signed = Files.readString(Path.of(words[1])).replaceFirst("^\\s*<\\?xml.*?\\?>\\s*", "");
        var request = HttpRequest.newBuilder(URI.create(words[0] + "/soap")).header("Content-Type", "text/xml")
            .POST(HttpRequest.BodyPublishers.ofString(ENVELOPE.formatted(signed))).build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
        var stream = new ByteArrayInputStream(answer.getBytes(StandardCharsets.UTF_8));
        var body = MessageFactory.newInstance().createMessage(null, stream).getSOAPBody();
        if (body.hasFault()) {
            System.err.println(body.getFault().getFaultString());
            System.exit(1);
        }
        var found = Pattern.compile("<(\\w+:)?Response\\b.*</\\1Response>", Pattern.DOTALL).matcher(answer).results();
        Files.writeString(Path.of(words[2]), found.findFirst().get().group());
        var typed = JAXBContext.newInstance("duis").createUnmarshaller()
            .unmarshal(body.extractContentAsDocument(), SubmitServiceRequestResponse.class).getValue();
        System.out.println(typed.getServiceResponse().getResponse().getHeader().getResponseCode().value());
    }
}
