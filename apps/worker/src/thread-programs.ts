/** What a worker's threads, and its process that sums, run, where tests run them from source. */
export interface ThreadPrograms {
  readonly link: URL;
  readonly feeder: URL;
  readonly writer: URL;
  readonly collective: URL;
}
