"""PyJWT fetches the published keys and verifies an id_token with them."""

import json
import sys

import jwt

told = json.loads(sys.argv[1])
key = jwt.PyJWKClient(told["keys"]).get_signing_key_from_jwt(told["token"])
claims = jwt.decode(
    told["token"], key.key, algorithms=["RS256"], audience=told["audience"], issuer=told["issuer"]
)
assert claims["sub"] == told["subject"] and claims["exp"] - claims["iat"] == 120, claims
