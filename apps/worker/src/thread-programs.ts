/** What a worker's threads run, where tests run them from source. */
export interface ThreadPrograms {
  readonly link: URL;
  readonly feeder: URL;
  readonly writer: URL;
}
