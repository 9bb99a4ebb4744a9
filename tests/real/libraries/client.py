"""Refreshes with requests-oauthlib, an OAuth library of other authors.

    client.py refresh   refreshes, and then asks for the resource, if there is one
    client.py use       asks for the resource, for which the library refreshes by itself

stdin is JSON: issuer, authentication, token, and perhaps scope and resource. stdout is
one line of JSON: token, as the library would have it saved, and status, the
resource's; or failure with what the library raises.
"""

import json
import sys

from oauthlib.oauth2 import OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

CREDENTIALS = {"client_id": "any client", "client_secret": "any: secret+%&"}


def refresh(asked: dict) -> dict:
    """The application refreshes, when it likes."""
    session = OAuth2Session(
        CREDENTIALS["client_id"], token=asked["token"], scope=asked.get("scope")
    )
    in_body, auth = {}, None
    if asked["authentication"] == "post":
        in_body = CREDENTIALS
    elif asked["authentication"] == "basic":
        auth = HTTPBasicAuth(*CREDENTIALS.values())
    token = session.refresh_token(f"{asked['issuer']}/token", auth=auth, **in_body)
    if "resource" not in asked:
        return {"token": token}
    return {"token": token, "status": session.get(asked["resource"]).status_code}


def use(asked: dict) -> dict:
    """The library refreshes, and calls the application to save what it got."""
    saved = []
    is_post = asked["authentication"] == "post"
    session = OAuth2Session(
        CREDENTIALS["client_id"],
        token=asked["token"],
        scope=asked.get("scope"),
        auto_refresh_url=f"{asked['issuer']}/token",
        auto_refresh_kwargs=CREDENTIALS if is_post else {},
        token_updater=saved.append,
    )
    basic = CREDENTIALS if asked["authentication"] == "basic" else {}
    status = session.get(asked["resource"], **basic).status_code
    [token] = saved
    return {"token": token, "status": status}


def main() -> None:
    command = {"refresh": refresh, "use": use}[sys.argv[1]]
    try:
        result = command(json.load(sys.stdin))
    except OAuth2Error as error:
        result = {
            "failure": {
                "class": type(error).__name__,
                "error": error.error,
                "error_description": error.description,
            }
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
