from django.urls import re_path

from connections.push import PUSH
from syncing.webhooks import WebhookView

# With and without the closing slash: a redirect would lose the notification. Some providers call
# an address of its own with news of the watch itself; its words are read like the others.
WEBHOOK = rf"^webhooks/(?P<provider>{'|'.join(PUSH)})(?:/lifecycle)?/?$"

urlpatterns = [re_path(WEBHOOK, WebhookView.as_view(), name="webhook")]
