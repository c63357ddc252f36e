/**
 * The order of test files: those that take longest begin first, since a run ends when the last one does.
 * vitest orders them by what it measured before, which a fresh clone does not have, and which would start
 * all files with processes of their own at the same time.
 */
import { relative } from "node:path"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** The files that take longest; those with many processes stand apart from one another. */
const slow = [
  "test/redis/processes",
  "test/rest/upload/sockets",
  "test/e2e/conformance",
  "test/leak/secrets",
  "test/scenarios/evidence",
  "test/examples/",
  "test/rest/pipeline",
  "test/scenarios/",
  "test/ratelimit/oneChannel",
  "test/outbox/processes",
  "test/outbox/model",
  "test/redis/faults",
  "test/rest/",
  "test/workers/",
  "test/outbox/",
  "test/leak/",
  "test/ratelimit/",
  "test/browser/",
  "test/docs/",
  "test/package/",
]

export class SlowFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const path = relative(this.ctx.config.root, moduleId)
      const rank = slow.findIndex((beginning) => path.startsWith(beginning))
      return rank === -1 ? slow.length : rank
    }
    // A stable sort: files of one rank stay in the order of vitest.
    return [...(await super.sort(files))].sort((a, b) => rankOf(a) - rankOf(b))
  }
}
