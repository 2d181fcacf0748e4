/* A signed Service Request by gSOAP: soap_gsoap GATEWAY_URL SIGNED_REQUEST SIGNED_RESPONSE; to make it:
 * wsdl2h -c -o duis.h GATEWAY_URL/soap?wsdl; soapcpp2 -c -C -x -L duis.h
 * cc -o soap_gsoap soap_gsoap.c soapC.c soapClient.c -lgsoap */
#include "soapH.h"
#include "DuisGateway.nsmap"

#define OPENING "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body>" \
    "<g:SubmitServiceRequest xmlns:g='urn:duis-gateway:soap:1'><g:ServiceRequest>"
#define CLOSING "</g:ServiceRequest></g:SubmitServiceRequest></e:Body></e:Envelope>"
static char request[8 << 20], heard[9 << 20]; /* what is signed goes in, and comes out, octet for octet */
static size_t length;
static size_t (*hear)(struct soap *, char *, size_t);

static size_t keep(struct soap *soap, char *buffer, size_t size) {
    size_t got = hear(soap, buffer, size);
    if (length + got < sizeof heard) memcpy(heard + length, buffer, got), length += got;
    return got;
}

int main(int count, char **words) {
    char url[512], *begin = request, *end;
    struct ns1__SubmitServiceRequestResponse typed;
    struct soap *soap = soap_new1(SOAP_C_UTFSTRING | SOAP_IO_STORE);
    FILE *file = count == 4 ? fopen(words[2], "rb") : NULL;
    if (!file || !fread(request, 1, sizeof request - 1, file) || !feof(file))
        return fputs("it takes GATEWAY_URL SIGNED_REQUEST SIGNED_RESPONSE; a request has 8 MiB at most\n", stderr), 2;
    if (!strncmp(request, "<?xml", 5)) begin = strstr(request, "?>") + 2;
    snprintf(url, sizeof url, "%s/soap", words[1]);
    soap->http_content = "text/xml; charset=utf-8", hear = soap->frecv, soap->frecv = keep;
    if (soap_connect_command(soap, SOAP_POST_FILE, url, "") || soap_send(soap, OPENING) || soap_send(soap, begin)
        || soap_send(soap, CLOSING) || soap_end_send(soap) || soap_recv___ns1__SubmitServiceRequest(soap, &typed)) {
        soap_print_fault(soap, stderr);
        return 1;
    }
    if (!(begin = strstr(heard, "<sr:Response ")) || !(end = strstr(begin, "</sr:Response>")))
        return fputs("there is no signed response in the answer\n", stderr), 1;
    end += strlen("</sr:Response>");
    fwrite(begin, 1, end - begin, file = fopen(words[3], "wb")), fclose(file);
    return puts(soap_ns2__ResponseCode2s(soap, typed.ServiceResponse.ns2__Response->Header.ResponseCode)) < 0;
}
