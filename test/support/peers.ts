/**
 * Whether the suite runs on the oldest peer dependencies that package.json allows (`npm run test:peers`).
 *
 * Effect before 3.19.19 loses a semaphore's permit if a fiber is interrupted after it got the permit and before it
 * resumes. `TestClock` keeps its warnings behind a semaphore, so with these versions a test that cancels one sleep
 * while another one starts may wait for ever. Such tests are skipped. The SDK itself uses no such semaphore.
 */
export const isLowestPeers = process.env["PEERS"] === "lowest"
