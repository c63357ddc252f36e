export * as NodeDiscord from "./NodeDiscord.js"
