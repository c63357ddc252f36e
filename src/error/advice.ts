/** Where the URL of a webhook is found, for the errors of those who have none yet, or a wrong one. */
export const copyWebhookUrl = "in Discord: Edit Channel, Integrations, Webhooks, Copy Webhook URL"

export const webhookUrlNotSet = `it is not set. Set it to the URL of a webhook; to copy one, ${copyWebhookUrl}. A .env file takes effect only when it is loaded, such as by node --env-file=.env`
