#!/usr/bin/env bash
# Service Request 8.2 with curl: signed and verified by the command line, which works with any language and tool.
#   read_inventory.sh GATEWAY_URL KEY CERTIFICATE GATEWAY_CERTIFICATES SUPPLIER HUB
set -eu
[ $# -eq 6 ] || { echo "it takes GATEWAY_URL KEY CERTIFICATE GATEWAY_CERTIFICATES SUPPLIER HUB" >&2; exit 2; }
url=$1 key=$2 certificate=$3 trust=$4 supplier=$5 hub=$6
duis_gateway=${DUIS_GATEWAY:-duis-gateway}
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT

# The last part of the RequestID must never repeat: here it is the time in nanoseconds.
cat > "$folder/request.xml" <<XML
<sr:Request xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway" schemaVersion="6.0"><sr:Header>
<sr:RequestID>$supplier:90-B3-D5-1F-30-00-00-02:$(date +%s%N)</sr:RequestID><sr:CommandVariant>8</sr:CommandVariant>
<sr:ServiceReference>8.2</sr:ServiceReference><sr:ServiceReferenceVariant>8.2</sr:ServiceReferenceVariant></sr:Header>
<sr:Body><sr:ReadInventory><sr:DeviceID>$hub</sr:DeviceID></sr:ReadInventory></sr:Body></sr:Request>
XML
$duis_gateway sign "$folder/request.xml" --key "$key" --certificate "$certificate" --out "$folder/signed.xml"
curl --silent --show-error --fail-with-body --noproxy '*' -H 'Content-Type: application/xml' \
    --data-binary "@$folder/signed.xml" --output "$folder/answer.xml" "$url/api/v1/serviceD" || { cat "$folder/answer.xml" >&2; exit 1; }
$duis_gateway verify "$folder/answer.xml" --trust "$trust" >&2
version=$(grep -o '<sr:DeviceFirmwareVersion>[^<]*' "$folder/answer.xml") || {
    grep -o '<sr:ResponseCode>[^<]*' "$folder/answer.xml" | cut -d'>' -f2 >&2 # such as E19: no hub of yours
    exit 1
}
echo "${version#*>}"
