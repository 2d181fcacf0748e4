"""A supplier's adapter: asks which firmware a hub runs, then prints every hub that is updated, until it is stopped.

python adapter.py GATEWAY_URL KEY CERTIFICATE GATEWAY_CERTIFICATE PORT HUB
"""

import sys
from wsgiref.simple_server import make_server

from duis_gateway.client import Alert, ClientError, Gateway, Identity, InFile, Message, ReadInventory, Receiver, Trust


def main(url: str, key: str, certificate: str, gateway_certificate: str, port: str, hub: str) -> None:
    me = Identity.load(key, certificate)
    trust = Trust.load(gateway_certificate)
    gateway = Gateway(url, identity=me, trust=trust)
    answer = gateway.send(ReadInventory(hub), patience=30)
    print(f"{answer.code}: {answer.meaning}")
    for device in answer.devices:
        print(device.device, "runs", device.firmware_version)

    receiver = Receiver(me, trust, repeats=InFile("taken.db"))

    @receiver.on(Alert.N64)
    def activated(alert: Message) -> None:
        print(alert.body.device_id, "now runs", alert.body.firmware_version, flush=True)

    with make_server("127.0.0.1", int(port), receiver.wsgi) as server:
        print("listening", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except ClientError as error:
        sys.exit(str(error))
