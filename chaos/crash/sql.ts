// How the harness asks the database what is left.

export type Sql = <Row extends object>(text: string, values?: unknown[]) => Promise<Row[]>;
