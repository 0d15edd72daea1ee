//! What `[tune.space]` may search: keys that change how a model learns, and not how it is judged.

use serde_json::Value;

use super::findings::sentence;
use super::keys::{KindAt, SchemaKeys};
use super::schema::file_schema;
use super::section::{Section, Trials};
use super::spec::PipelineSpec;
use super::suggest;
use super::variant::KIND;
use pdm_core::codes::Code;
use pdm_core::domain::Problem;
use pdm_models::tune::{
    MOST_GRID_POINTS, RangeOptions, SearchDimension, SearchMethod, SearchPoint, Space, TuneOptions,
    Values, When,
};

/// Keys of searchable sections that decide what is scored: the clipping of predictions, and the cuts.
const JUDGING: [&str; 3] = [
    "target.cap",
    "train.cuts_per_unit",
    "train.shortest_history",
];

impl PipelineSpec {
    /// Returns what `[tune.space]` searches; empty where there is none.
    pub fn search_space(&self) -> Space {
        match Search::of(self) {
            Some(search) => Space::new(search.dimensions().filter_map(Result::ok).collect()),
            None => Space::new(Vec::new()),
        }
    }
}

/// Returns what cannot be searched, with paths from the top of the file.
pub(super) fn space_problems(spec: &PipelineSpec) -> Vec<Problem> {
    let Some(search) = Search::of(spec) else {
        return Vec::new();
    };
    let problems: Vec<_> = search.dimensions().filter_map(Result::err).collect();
    if !problems.is_empty() {
        return problems;
    }
    search.grid_problem().into_iter().collect()
}

/// Returns the values of `[tune.space]` that no trial could use, with paths from the top of the file. They matter only to a
/// search, and depend on the other sections, which must be valid.
pub(super) fn unusable_values(spec: &PipelineSpec) -> Vec<Problem> {
    let Some(search) = Search::of(spec) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for (key, range) in search.options.space.iter() {
        if !range.problems().is_empty() {
            continue;
        }
        let Ok((values, kinds)) = search.values(key, range) else {
            continue;
        };
        if let Err(problem) = search.refuse_unusable(key, &values, &kinds) {
            problems.push(problem.within(&place(key)));
        }
    }
    problems
}

struct Search<'s> {
    spec: &'s PipelineSpec,
    options: &'s TuneOptions,
    keys: SchemaKeys,
}

impl<'s> Search<'s> {
    fn of(spec: &'s PipelineSpec) -> Option<Self> {
        let options = spec.tune.as_ref()?;
        Some(Self {
            spec,
            options,
            keys: SchemaKeys::new(file_schema()),
        })
    }

    /// Returns the keys whose ranges are valid; the problems of the others are reported already.
    fn dimensions(&self) -> impl Iterator<Item = Result<SearchDimension, Problem>> {
        let sound = self
            .options
            .space
            .iter()
            .filter(|(_, range)| range.problems().is_empty());
        sound.map(|(key, range)| {
            self.dimension(key, range)
                .map_err(|problem| problem.within(&place(key)))
        })
    }

    fn dimension(&self, key: &str, range: &RangeOptions) -> Result<SearchDimension, Problem> {
        let (values, kinds) = self.values(key, range)?;
        let everywhere = key == KIND || kinds.len() == self.kinds().len();
        let when = || When {
            key: KIND.to_owned(),
            one_of: kinds.iter().map(|kind| Value::from(*kind)).collect(),
        };
        Ok(SearchDimension {
            key: key.to_owned(),
            values,
            simpler: range.simpler,
            when: (!everywhere).then(when),
        })
    }

    /// Returns the values of a key, and the model families of the search that have it.
    fn values(&self, key: &str, range: &RangeOptions) -> Result<(Values, Vec<&str>), Problem> {
        self.refuse_fixed(key)?;
        self.refuse_overlap(key)?;
        let steps: Vec<_> = key.split('.').collect();
        let kinds = self.kinds_that_know(key, &steps)?;
        let is_whole = match range.choices {
            Some(_) => false,
            None => self.takes_whole_numbers(&steps, &kinds)?,
        };
        let values = Values::of(range, is_whole)?;
        if self.options.method == SearchMethod::Grid && values.count().is_none() {
            return Err(
                Problem::new("", "needs `step`, `points` or `choices` for a grid")
                    .with_code(Code::SearchGrid),
            );
        }
        Ok((values, kinds))
    }

    fn refuse_fixed(&self, key: &str) -> Result<(), Problem> {
        let section = Section::of(key);
        if let Some(Trials::Refused(why)) = section.map(Section::search) {
            return Err(Problem::new("", format!("must not be searched: {why}"))
                .with_code(Code::NotSearchable));
        }
        if JUDGING.contains(&key) || key == "target" || key == "train" {
            let message =
                "must not be searched: it decides what is scored, and trials must be judged alike";
            return Err(Problem::new("", message).with_code(Code::NotSearchable));
        }
        if section.is_some() {
            return Ok(());
        }
        let problem =
            Problem::new("", "names no key of the pipeline").with_code(Code::SearchedKeyUnknown);
        let searchable = Section::searchable();
        let first = key.split('.').next().unwrap_or_default();
        let homes = self.keys.sections_with(first);
        let home = homes
            .iter()
            .find(|home| searchable.contains(home) && first == key);
        let hint = home.map(|home| format!("did you mean `{home}.{key}`?"));
        Err(match hint.or_else(|| suggest::hint(first, &searchable)) {
            Some(hint) => problem.hint(hint),
            None => problem,
        })
    }

    /// Refuses a key of a table that is also searched.
    fn refuse_overlap(&self, key: &str) -> Result<(), Problem> {
        let around = |(outer, _): &(&str, &RangeOptions)| {
            key.strip_prefix(outer)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        match self.options.space.iter().find(around) {
            Some((outer, _)) => {
                let message = format!("is a part of `{outer}`, which is searched as a whole");
                Err(Problem::new("", message).with_code(Code::NamedTwice))
            }
            None => Ok(()),
        }
    }

    /// Returns the model families of the search.
    fn kinds(&self) -> Vec<&str> {
        let choices = self
            .options
            .space
            .iter()
            .find(|(key, _)| *key == KIND)
            .and_then(|(_, range)| range.choices.as_ref());
        match choices {
            Some(choices) => choices.iter().filter_map(Value::as_str).collect(),
            None => vec![self.spec.model.kind()],
        }
    }

    /// Returns the families of the search that have this key; outside `[model]`, all of them.
    fn kinds_that_know(&self, key: &str, steps: &[&str]) -> Result<Vec<&str>, Problem> {
        let knows = |kind: &&str| !self.keys.values(steps, Some(kind)).is_empty();
        let kinds: Vec<_> = self.kinds().into_iter().filter(knows).collect();
        if !kinds.is_empty() || key == KIND {
            return Ok(kinds);
        }
        Err(self.unknown(steps))
    }

    fn unknown(&self, steps: &[&str]) -> Problem {
        let (name, table) = steps
            .split_last()
            .expect("splitting gives at least one piece");
        let others = self.keys.kinds_with(&table[..table.len().min(1)], name);
        let families = self.kinds();
        if table.len() == 1 && !others.is_empty() {
            let problem = Problem::new(
                "",
                format!(
                    "has no effect where `{KIND}` is {}",
                    suggest::one_of(&families)
                ),
            );
            return problem
                .with_code(Code::SearchedKeyUnknown)
                .hint(format!("a key of kind {}", suggest::one_of(&others)));
        }
        let known = self.keys.known(
            table,
            families.first().map(|name| KindAt { name, depth: 1 }),
        );
        let problem = Problem::new("", format!("names no key of [{}]", table.join(".")))
            .with_code(Code::SearchedKeyUnknown);
        match suggest::hint(name, &known) {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }

    fn takes_whole_numbers(&self, steps: &[&str], kinds: &[&str]) -> Result<bool, Problem> {
        let schemas = kinds
            .iter()
            .flat_map(|kind| self.keys.values(steps, Some(kind)));
        let types: Option<Vec<_>> = schemas.map(number_type).collect();
        match types {
            Some(types) => Ok(types.iter().all(|whole| *whole)),
            None => Err(Problem::new("", "is not a number: list its `choices`")
                .with_code(Code::SearchRange)),
        }
    }

    /// Tries the ends or the choices of a range, each on its own and with every family that has the key.
    fn refuse_unusable(&self, key: &str, values: &Values, kinds: &[&str]) -> Result<(), Problem> {
        let searched = |path: &str| {
            self.options
                .space
                .iter()
                .any(|(other, _)| other != key && overlap(path, other))
        };
        for (place, value) in values.probes() {
            for kind in if key == KIND { &[""] } else { kinds } {
                let Err(problems) = self.spec.with_values(&self.probe(key, &value, kind)) else {
                    continue;
                };
                // A problem of another searched key may be solved by another value of that key.
                if let Some(problem) = problems
                    .into_iter()
                    .find(|p| overlap(&p.path, key) || !searched(&p.path))
                {
                    return Err(Problem {
                        code: Code::SearchValue,
                        message: message_with_key(&problem),
                        path: place,
                        hint: problem.hint,
                    });
                }
            }
        }
        Ok(())
    }

    fn probe(&self, key: &str, value: &Value, kind: &str) -> SearchPoint {
        let mut point = SearchPoint::new();
        if key != KIND && self.options.space.iter().any(|(other, _)| other == KIND) {
            point.insert(KIND.to_owned(), kind.into());
        }
        point.insert(key.to_owned(), value.clone());
        point
    }

    fn grid_problem(&self) -> Option<Problem> {
        if self.options.method != SearchMethod::Grid || self.options.trials.is_some() {
            return None;
        }
        let points = self.spec.search_space().grid(MOST_GRID_POINTS + 1).len();
        if points <= MOST_GRID_POINTS {
            return None;
        }
        let message = format!("has more than {MOST_GRID_POINTS} points, too many for a grid");
        let problem = Problem::new("tune.space", message).with_code(Code::SearchGrid);
        Some(problem.hint("set `trials`, or list fewer values"))
    }
}

/// Returns the message of a problem, with the key it is about.
fn message_with_key(problem: &Problem) -> String {
    let Problem { path, message, .. } = problem;
    if message.contains(&format!("`{path}`")) {
        message.clone()
    } else {
        sentence(path, message)
    }
}

/// Returns the path in `[tune.space]` of a dotted key.
fn place(key: &str) -> String {
    format!("tune.space.{}", super::source::join("", key))
}

/// Returns whether a number is whole by its schema; none where the value is not a number.
fn number_type(schema: &Value) -> Option<bool> {
    match schema["type"].as_str() {
        Some("integer") => Some(true),
        Some("number") => Some(false),
        _ => schema["anyOf"].as_array()?.iter().find_map(number_type),
    }
}

/// Returns whether two keys are the same or one is within the other.
fn overlap(a: &str, b: &str) -> bool {
    let within = |a: &str, b: &str| {
        a.strip_prefix(b)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    within(a, b) || within(b, a)
}

#[cfg(test)]
mod tests;
