"""The Standard Webhooks library verifies a delivery, and refuses it once changed."""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

told = json.loads(sys.argv[1])
webhook = Webhook(told["secret"])
assert webhook.verify(told["body"], told["headers"])["object_kind"] == "push"
try:
    webhook.verify(told["body"] + " ", told["headers"])
except WebhookVerificationError:
    pass
else:
    raise AssertionError("a changed body was accepted")
