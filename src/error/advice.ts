/** Where the URL of a webhook is found, for the errors of those who have none yet, or a wrong one. */
export const copyWebhookUrl = "in Discord: Edit Channel, Integrations, Webhooks, Copy Webhook URL"
