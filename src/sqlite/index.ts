export * as SqliteOutbox from "./SqliteOutbox.js"
