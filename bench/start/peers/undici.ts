import { request } from "undici"
import { delivered } from "../delivered.js"

const { pathname } = new URL(process.env["DISCORD_WEBHOOK_URL"] ?? "")
const path = pathname.replace(/^\/api(\/v10)?/, "")
const { body } = await request(`${process.env["BASE_URL"]}${path}?wait=true`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ content: "Deploying ..." }),
})
await body.json()
delivered()
process.exit()
