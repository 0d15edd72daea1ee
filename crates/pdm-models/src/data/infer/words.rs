//! Words in the names of columns and in cells that say what they are for, in a few languages.

/// Words of columns that name a unit.
const UNIT: &[&str] = &[
    "unit",
    "id",
    "machine",
    "engine",
    "asset",
    "serial",
    "equipment",
    "device",
    "pump",
    "bearing",
    "battery",
    "cell",
    "turbine",
    "motor",
    "vehicle",
    "truck",
    "disk",
    "drive",
    "sn",
    "compressor",
    "fan",
    "robot",
    "tool",
    "maschine",
    "anlage",
    "aggregat",
    "einheit",
    "seriennummer",
    "pumpe",
    "lager",
    "maquina",
    "máquina",
    "equipo",
    "unidad",
    "serie",
    "unité",
    "unite",
    "appareil",
    "moteur",
    "macchina",
    "motore",
    "unità",
];
/// Words of columns that order the rows of a unit.
const TIME: &[&str] = &[
    "time",
    "timestamp",
    "date",
    "datetime",
    "ts",
    "cycle",
    "cycles",
    "hour",
    "hours",
    "day",
    "days",
    "second",
    "seconds",
    "minute",
    "minutes",
    "week",
    "weeks",
    "runtime",
    "age",
    "step",
    "t",
    "km",
    "mileage",
    "zeit",
    "datum",
    "zeitstempel",
    "zyklus",
    "stunden",
    "tage",
    "temps",
    "heure",
    "heures",
    "jour",
    "fecha",
    "hora",
    "horas",
    "ciclo",
    "tempo",
    "giorno",
];
/// Words of columns with operating conditions that someone sets.
const SETTING: &[&str] = &[
    "setting",
    "settings",
    "setpoint",
    "op",
    "oc",
    "regime",
    "mode",
    "command",
    "cmd",
    "condition",
    "sollwert",
    "consigne",
    "consigna",
];
/// Words of columns that are often, but not always, operating conditions.
const CONDITION: &[&str] = &["load", "speed", "last", "drehzahl", "throughput", "charge"];
/// Words of columns that would give the remaining life or the failure away.
const LABEL: &[&str] = &[
    "rul",
    "ttf",
    "eol",
    "remaining",
    "failure",
    "failures",
    "failed",
    "fail",
    "label",
    "target",
    "fault",
    "broken",
    "breakdown",
    "censored",
    "restlebensdauer",
    "ausfall",
    "defekt",
    "panne",
    "fallo",
    "guasto",
];
/// Words of columns that give a failure, not a remaining life.
const FAILURE: &[&str] = &[
    "failure",
    "failures",
    "failed",
    "fail",
    "broken",
    "breakdown",
    "fault",
    "ausfall",
    "defekt",
    "panne",
    "fallo",
    "guasto",
    "störung",
    "kaputt",
    "defect",
    "broke",
];
/// Words of events that end a life without a failure.
const REPLACEMENT: &[&str] = &[
    "replace",
    "replaced",
    "replacement",
    "exchange",
    "exchanged",
    "swap",
    "swapped",
    "renewed",
    "new",
    "installed",
    "install",
    "ersetzt",
    "tausch",
    "austausch",
    "ausgetauscht",
    "remplacé",
    "remplacement",
    "reemplazo",
    "sostituzione",
];
/// Words of columns that say which kind of event a row is.
const KIND: &[&str] = &[
    "kind", "type", "event", "status", "action", "art", "ereignis", "typ", "tipo", "evento",
];
/// Words of columns that say what failed.
const MODE: &[&str] = &[
    "mode",
    "component",
    "comp",
    "part",
    "cause",
    "failure",
    "fault",
    "code",
    "bauteil",
    "ursache",
    "composant",
    "componente",
];
/// Cells that mean "no value", in lower case.
const MISSING: &[&str] = &[
    "nan",
    "na",
    "n/a",
    "#n/a",
    "null",
    "none",
    "nil",
    "-",
    "--",
    "?",
    "missing",
    "bad",
    "k.a.",
    "inf",
    "-inf",
    "#value!",
    "#div/0!",
    "i/o timeout",
    "no data",
];

/// What a name says a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameHint {
    Unit,
    Time,
    Setting,
    Condition,
    Label,
    Failure,
    Kind,
    Mode,
}

/// Returns whether one of the words of a name hints at a use.
pub(super) fn hints(name: &str, hint: NameHint) -> bool {
    let list = match hint {
        NameHint::Unit => UNIT,
        NameHint::Time => TIME,
        NameHint::Setting => SETTING,
        NameHint::Condition => CONDITION,
        NameHint::Label => LABEL,
        NameHint::Failure => FAILURE,
        NameHint::Kind => KIND,
        NameHint::Mode => MODE,
    };
    words_of(name)
        .iter()
        .any(|word| list.contains(&word.as_str()))
}

/// Returns whether a name is that of a row number that programs write, such as `Unnamed: 0`.
pub(super) fn is_row_number(name: &str) -> bool {
    let words = words_of(name);
    let first = words.first().map(String::as_str);
    matches!(first, None | Some("unnamed" | "index" | "row" | "rownum"))
}

/// Returns whether an event of this kind is a failure.
pub(super) fn is_failure(cell: &str) -> bool {
    words_of(cell)
        .iter()
        .any(|word| FAILURE.contains(&word.as_str()))
}

/// Returns whether an event of this kind ends a life without a failure.
pub(super) fn is_replacement(cell: &str) -> bool {
    words_of(cell)
        .iter()
        .any(|word| REPLACEMENT.contains(&word.as_str()))
}

/// Returns whether a cell is a usual way to write that there is no value.
pub(super) fn is_missing(cell: &str) -> bool {
    MISSING.contains(&cell.to_lowercase().as_str())
}

/// Returns the unit of measurement that the name of a counter says, such as `h` for `operating_hours`.
pub(super) fn measured_in(name: &str) -> Option<&'static str> {
    const MEASURES: [(&[&str], &str); 7] = [
        (
            &["hour", "hours", "h", "stunden", "heures", "horas", "ore"],
            "h",
        ),
        (&["day", "days", "tage", "jours", "giorni"], "d"),
        (&["minute", "minutes", "min"], "min"),
        (&["second", "seconds", "sec", "s"], "s"),
        (
            &["km", "kilometer", "kilometers", "kilometres", "mileage"],
            "km",
        ),
        (&["week", "weeks"], "weeks"),
        (&["cycle", "cycles", "zyklus", "ciclo"], "cycles"),
    ];
    let words = words_of(name);
    let found = MEASURES
        .into_iter()
        .find(|(names, _)| words.iter().any(|word| names.contains(&word.as_str())));
    found.map(|(_, measure)| measure)
}

/// Divides a name into words in lower case, at blanks, marks, and changes from small to capital letters; digits are dropped.
fn words_of(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_small = false;
    for character in name.chars() {
        if !character.is_alphabetic() || (was_small && character.is_uppercase()) {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphabetic() {
            word.extend(character.to_lowercase());
        }
        was_small = character.is_lowercase();
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_divided_into_words() {
        assert_eq!(words_of("machineID"), ["machine", "id"]);
        assert_eq!(words_of("Pump_No 7"), ["pump", "no"]);
        assert_eq!(words_of("op_1"), ["op"]);
        assert!(hints("machineID", NameHint::Unit) && !hints("humidity", NameHint::Unit));
        assert!(
            hints("Operating hours", NameHint::Time) && !hints("timeout_count", NameHint::Time)
        );
    }

    #[test]
    fn events_are_failures_or_replacements_by_their_words() {
        assert!(is_failure("seal failure") && is_failure("FAILED") && !is_failure("inspection"));
        assert!(is_replacement("pump replaced") && !is_replacement("repair"));
    }

    #[test]
    fn row_numbers_are_known_by_name() {
        assert!(is_row_number("") && is_row_number("Unnamed: 0") && is_row_number("index"));
        assert!(!is_row_number("temperature"));
    }
}
