<?php // php soap.php GATEWAY_URL SIGNED_REQUEST SIGNED_RESPONSE: sends a signed Service Request by SoapClient
if ($argc !== 4 || !is_readable($argv[2])) {
    fwrite(STDERR, "it takes GATEWAY_URL SIGNED_REQUEST SIGNED_RESPONSE; the second must be a file\n");
    exit(2);
}
[, $url, $request, $response] = $argv;
class Untouched extends SoapClient // what is signed goes in, and comes out, octet for octet
{
    public string $signed, $answer;

    public function __doRequest($envelope, $url, $action, $version, $oneWay = false): ?string
    {
        $signed = preg_replace('/^\s*<\?xml.*?\?>\s*/s', '', $this->signed);
        $sent = str_replace('<signed/>', $signed, $envelope);
        return $this->answer = parent::__doRequest($sent, $url, $action, $version);
    }
}
$client = new Untouched("$url/soap?wsdl", ['cache_wsdl' => WSDL_CACHE_NONE]);
$client->signed = file_get_contents($request);
try {
    $place = new SoapVar('<ns1:ServiceRequest><signed/></ns1:ServiceRequest>', XSD_ANYXML);
    $typed = $client->SubmitServiceRequest(['ServiceRequest' => $place]);
} catch (SoapFault $fault) {
    fwrite(STDERR, "$fault->faultcode: $fault->faultstring\n");
    exit(1);
}
preg_match('#<(\w+:)?Response\b.*</\1Response>#s', $client->answer, $found);
file_put_contents($response, $found[0]);
echo $typed->ServiceResponse->Response->Header->ResponseCode, "\n";
