/** Writes `discord.schema.json`, the form of the configuration file for editors. */
import { writeFileSync } from "node:fs"
import { resolve } from "node:path"
import { DiscordConfig } from "../src/index.js"
import { root } from "./project.js"

const path = resolve(root, "discord.schema.json")
writeFileSync(path, `${JSON.stringify(DiscordConfig.jsonSchema, null, 2)}\n`)
