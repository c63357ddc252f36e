export * as SqlOutbox from "./SqlOutbox.js"
