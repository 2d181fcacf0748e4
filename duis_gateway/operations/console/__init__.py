"""The operators' console: pages that show what is under way, why something waits, and what needs somebody.

Each module has the facts of one subject and stands beside its template; `site` has the routes, `frame.html` the frame
that all pages share. No page counts the inventory when it is asked for: `remembered` keeps such figures, with their
age. Of other rooms `operations.supplier_pages` alone imports it, for its look and its parts; `duis_gateway.app` puts it
on the operators' listener.
"""
