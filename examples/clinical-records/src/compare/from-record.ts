import type {
  Address,
  ClinicalRecord,
  Coded,
  Encounter,
  Field,
  Identifier,
  Patient,
  Period,
  PersonName,
  Telecom,
} from '../guest/record.ts';
import { precisions } from './leaf.ts';
import type { Leaf, Leaves } from './leaf.ts';

/**
 * A record as leaves of the package's result model. Only what that model has a place for: the first
 * of several names, codes of the patient by name alone, no identifiers of places.
 */
export function leavesOfRecord(record: ClinicalRecord): Leaves {
  const writer = new LeafWriter();
  writer.patient('demographics', record.patient);
  const { encounters } = record;
  writer.put('encounters.length', encounters === 'not-present' ? 'none' : `${encounters.length}`);
  if (encounters !== 'not-present') {
    writer.each('encounters', encounters, (path, one) => writer.encounter(path, one));
  }
  return writer.leaves;
}

class LeafWriter {
  readonly leaves = new Map<string, Leaf>();

  put(path: string, value: Field | string | undefined, system?: Field): void {
    if (value === undefined) return;
    this.leaves.set(path, {
      value: typeof value === 'string' ? value : value.value,
      ...(system === undefined ? {} : { system: system.value }),
    });
  }

  each<Item>(
    path: string,
    items: readonly Item[],
    write: (path: string, item: Item) => void,
  ): void {
    for (const [index, item] of items.entries()) write(`${path}[${index}]`, item);
  }

  patient(path: string, patient: Patient): void {
    if (patient.names[0] !== undefined) this.name(`${path}.name`, patient.names[0]);
    this.time(`${path}.dob.point`, patient.birthDate);
    this.simpleCode(`${path}.gender`, patient.gender);
    this.each(`${path}.identifiers`, patient.identifiers, (at, one) => this.identifier(at, one));
    this.simpleCode(`${path}.marital_status`, patient.maritalStatus);
    this.each(`${path}.addresses`, patient.addresses, (at, one) => this.address(at, one));
    this.each(`${path}.phone`, patient.phones, (at, one) => this.telecom(at, 'number', one));
    this.each(`${path}.email`, patient.emails, (at, one) => this.telecom(at, 'address', one));
    this.simpleCode(`${path}.race`, patient.races[0]);
    this.simpleCode(`${path}.ethnicity`, patient.ethnicities[0]);
    this.simpleCode(`${path}.religion`, patient.religion);
    if (patient.birthplace !== undefined) this.address(`${path}.birthplace`, patient.birthplace);
    this.each(`${path}.languages`, patient.languages, (at, one) => {
      this.simpleCode(`${at}.language`, one.language);
      this.put(`${at}.preferred`, one.preferred);
      this.simpleCode(`${at}.mode`, one.mode);
      this.simpleCode(`${at}.proficiency`, one.proficiency);
    });
    this.each(`${path}.guardians`, patient.guardians, (at, one) => {
      this.simpleCode(`${at}.relation`, one.relation);
      this.each(`${at}.addresses`, one.addresses, (inner, address) => this.address(inner, address));
      this.each(`${at}.names`, one.names, (inner, name) => this.name(inner, name));
      this.each(`${at}.phone`, one.phones, (inner, phone) => this.telecom(inner, 'number', phone));
    });
  }

  encounter(path: string, encounter: Encounter): void {
    this.concept(`${path}.encounter`, encounter.type);
    this.each(`${path}.identifiers`, encounter.identifiers, (at, one) => this.identifier(at, one));
    this.period(`${path}.date_time`, encounter);
    this.each(`${path}.performers`, encounter.performers, (at, one) => {
      this.each(`${at}.identifiers`, one.identifiers, (inner, id) => this.identifier(inner, id));
      this.concept(`${at}.code[0]`, one.specialty);
      this.each(`${at}.name`, one.names, (inner, name) => this.name(inner, name));
      this.each(`${at}.address`, one.addresses, (inner, address) => this.address(inner, address));
      this.each(`${at}.phone`, one.phones, (inner, phone) => this.telecom(inner, 'number', phone));
    });
    this.each(`${path}.locations`, encounter.locations, (at, one) => {
      this.put(`${at}.name`, one.name);
      this.concept(`${at}.location_type`, one.type);
      this.each(`${at}.address`, one.addresses, (inner, address) => this.address(inner, address));
      this.each(`${at}.phone`, one.phones, (inner, phone) => this.telecom(inner, 'number', phone));
    });
    this.each(`${path}.findings`, encounter.reasons, (at, one) => {
      this.each(`${at}.identifiers`, one.identifiers, (inner, id) => this.identifier(inner, id));
      this.concept(`${at}.value`, one.finding);
      this.period(`${at}.date_time`, one);
    });
  }

  name(path: string, name: PersonName): void {
    this.put(`${path}.prefix`, name.prefixes[0]);
    this.put(`${path}.first`, name.given[0]);
    this.each(`${path}.middle`, name.given.slice(1), (at, one) => this.put(at, one));
    this.put(`${path}.last`, name.family[0]);
    this.put(`${path}.suffix`, name.suffixes[0]);
    this.put(`${path}.text`, name.text);
  }

  identifier(path: string, { root, extension }: Identifier): void {
    this.put(`${path}.identifier`, root);
    this.put(`${path}.extension`, extension);
  }

  address(path: string, address: Address): void {
    this.each(`${path}.street_lines`, address.streetLines, (at, line) => this.put(at, line));
    this.put(`${path}.city`, address.city);
    this.put(`${path}.state`, address.state);
    this.put(`${path}.zip`, address.postalCode);
    this.put(`${path}.country`, address.country);
    this.put(`${path}.use`, address.use);
  }

  telecom(path: string, property: string, { address, use }: Telecom): void {
    this.put(`${path}.${property}`, address);
    this.put(`${path}.type`, use);
  }

  // The model keeps one text of a patient's codes: the display name, else what the code itself says.
  simpleCode(path: string, coded: Coded | undefined): void {
    this.put(path, coded?.name ?? coded?.originalText ?? coded?.code, coded?.system);
  }

  concept(path: string, coded: Coded | undefined): void {
    if (coded === undefined) return;
    this.put(`${path}.name`, coded.name ?? coded.originalText);
    this.put(`${path}.code`, coded.code);
    if (coded.code !== undefined) {
      const name = coded.systemName ?? coded.system;
      this.put(`${path}.code_system_name`, name, coded.system);
    }
    this.each(`${path}.translations`, coded.translations ?? [], (at, one) => this.concept(at, one));
  }

  period(path: string, { timing, start, end }: Period): void {
    this.time(`${path}.${timing === 'point' ? 'point' : 'low'}`, start);
    this.time(`${path}.high`, end);
  }

  time(path: string, field: Field | undefined): void {
    if (field === undefined) return;
    this.put(`${path}.date`, field);
    const length = field.value.replace(/(?<=T.*)[+-]\d\d:\d\d$/, '').length;
    const precision = [...precisions].find(([, characters]) => characters === length)?.[0];
    this.put(`${path}.precision`, precision ?? 'subsecond');
  }
}
