/** A line of a table for people. */
export type Row = [name: string, finding: string];
