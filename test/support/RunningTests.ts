/** Names the tests that were running when a run is ended by SIGTERM, as CI does with one that hangs. */
import { relative } from "node:path"
import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node"

const pathOf = ({ moduleId, project }: TestModule) => relative(project.config.root, moduleId)

export class RunningTests implements Reporter {
  /** By id: files, and the tests in them. */
  readonly #running = new Map<string, string>()

  onInit({ logger }: Vitest): void {
    // Before vitest's own listener, which ends the process.
    process.prependOnceListener("SIGTERM", () => {
      logger.error(
        ["When it was ended, these were running:", ...this.#running.values()].join("\n  "),
      )
    })
  }

  onTestModuleStart(file: TestModule): void {
    this.#running.set(file.id, pathOf(file))
  }

  onTestModuleEnd({ id }: TestModule): void {
    this.#running.delete(id)
  }

  onTestCaseReady({ fullName, id, module }: TestCase): void {
    this.#running.set(id, `${pathOf(module)} > ${fullName}`)
  }

  onTestCaseResult({ id }: TestCase): void {
    this.#running.delete(id)
  }
}
