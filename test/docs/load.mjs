/**
 * Imports the modules whose paths are the arguments, and sends for each what it wrote to the standard
 * error, or why it cannot be loaded. A process of its own for each would load Effect each time.
 */
import { pathToFileURL } from "node:url"

let errors = ""
process.stderr.write = (text) => {
  errors += text
  return true
}

for (const path of process.argv.slice(2)) {
  errors = ""
  try {
    // One after the other, so that what is written belongs to one module.
    await import(pathToFileURL(path).href)
  } catch (error) {
    errors += error instanceof Error ? error.stack : String(error)
  }
  process.send({ path, errors })
}
process.disconnect()
