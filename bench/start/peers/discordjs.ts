import { WebhookClient } from "discord.js"
import { delivered } from "../delivered.js"

const client = new WebhookClient(
  { url: process.env["DISCORD_WEBHOOK_URL"] ?? "" },
  { rest: { api: process.env["API_URL"] ?? "" } },
)
await client.send("Deploying ...")
delivered()
client.destroy()
process.exit()
