import { REST } from "@discordjs/rest"
import { delivered } from "../delivered.js"

const { pathname } = new URL(process.env["DISCORD_WEBHOOK_URL"] ?? "")
const rest = new REST({ api: process.env["API_URL"] ?? "", version: "10" })
const path = pathname.replace(/^\/api(\/v10)?/, "") as `/${string}`
await rest.post(path, {
  body: { content: "Deploying ..." },
  query: new URLSearchParams({ wait: "true" }),
  auth: false,
})
delivered()
rest.clearHandlerSweeper()
rest.clearHashSweeper()
