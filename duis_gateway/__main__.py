"""`python -m duis_gateway` is `duis-gateway`."""

from __future__ import annotations

from duis_gateway.cli.main import main

if __name__ == "__main__":
    main()
