// One kind of thing that should never be: how it is found, and how it is repaired by those whose it is.

/** `subject`: the id of what is wrong; `detail`: how, without anybody's data. */
export type Finding = { subject: string; detail: string };

export type Check = {
  /** `room.fault`: stable, it stands in the output and in the documents. */
  name: string;
  about: string;
  find: () => Promise<Finding[]>;
  /** Safe to run twice, and while the shop is open; what is not safe is left to a person. */
  fix: (findings: Finding[]) => Promise<void>;
};

/** As many are enough to see what is wrong; the next run finds more. */
export const FINDINGS_MAX = 1000;
