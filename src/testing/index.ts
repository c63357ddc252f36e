export * as DiscordSimulator from "./DiscordSimulator.js"
export * as Fault from "./Fault.js"
