//! Updates the server's registered models to match our registry.
//!
//! The server numbers versions itself, so a version is found by its tags: our number and the bundle's digest.

use std::collections::BTreeMap;

use serde::Serialize;

use super::answer::PageFollower;
use super::client::{Idempotency, MlflowClient};
use super::search;
use super::wire::{Nothing, RemoteRun, WirePair};
use super::wire_models::{
    CreateModel, CreateVersion, ExperimentsAnswer, FilesAnswer, ModelAnswer, RemoteModel,
    RemoteVersion, SearchExperiments, SetAlias, SetVersionTag, VersionAnswer, VersionsAnswer,
};
use crate::tracking::{Catalog, CatalogModel, CatalogVersion, TrackingError};

const VERSION_TAG: &str = "pdm_ml.version";
const BUNDLE_TAG: &str = "pdm_ml.bundle";
const RUN_TAG: &str = "pdm_ml.run_id";
/// Folders of a run that a version may point to: the model for Python, else our bundle.
const MODEL: &str = "model";
const BUNDLE: &str = "bundle";

/// The result of updating a server's models.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MirrorReport {
    /// Versions that were created on the server, such as `small/3`.
    pub versions: Vec<String>,
    /// Aliases that were moved there, such as `small@champion to 3`.
    pub aliases: Vec<String>,
    /// What the server refused.
    pub problems: Vec<String>,
}

/// Updates a server's registered models to match a registry. Can be repeated: existing versions and other models of the server
/// are not changed.
///
/// # Errors
/// [`TrackingError::Unreachable`] and [`TrackingError::Refused`] if the server fails.
pub fn mirror(client: &MlflowClient, catalog: &Catalog) -> Result<MirrorReport, TrackingError> {
    let mut mirror = Mirror {
        client,
        experiments: None,
        report: MirrorReport::default(),
    };
    for model in &catalog.models {
        mirror.model(model)?;
    }
    Ok(mirror.report)
}

struct Mirror<'a> {
    client: &'a MlflowClient,
    /// Ids of all experiments, once they were read.
    experiments: Option<Vec<String>>,
    report: MirrorReport,
}

/// The server's numbers of our versions.
type Numbers = BTreeMap<u32, String>;

impl Mirror<'_> {
    fn model(&mut self, model: &CatalogModel) -> Result<(), TrackingError> {
        let there = self.find_or_create(&model.name)?;
        let known = versions(self.client, &model.name)?;
        let mut numbers = Numbers::new();
        for version in &model.versions {
            let number = match known.iter().find(|known| is_copy(known, version)) {
                Some(known) => self.retag(known, version)?,
                None => self.create(&model.name, version)?,
            };
            numbers.extend(number.map(|number| (version.number, number)));
        }
        self.point(model, &there, &numbers)
    }

    fn find_or_create(&self, name: &str) -> Result<RemoteModel, TrackingError> {
        let get = || {
            self.client
                .get::<ModelAnswer>("registered-models/get", &[("name", name)])
        };
        match get() {
            Ok(ModelAnswer { registered_model }) => return Ok(registered_model),
            Err(error) if search::is(&error, "RESOURCE_DOES_NOT_EXIST") => {}
            Err(error) => return Err(error),
        }
        let request = CreateModel {
            name,
            description: "Kept in step with a pdm-ml registry",
        };
        match self.client.post::<serde_json::Value>(
            "registered-models/create",
            &request,
            Idempotency::Idempotent,
        ) {
            Ok(_) => {}
            // Another client was faster, or our first try was successful although its answer was lost.
            Err(error) if search::is(&error, "RESOURCE_ALREADY_EXISTS") => {}
            Err(error) => return Err(error),
        }
        get().map(|answer| answer.registered_model)
    }

    /// Creates a version on the server and returns its number there; `None` if the server refuses it.
    fn create(
        &mut self,
        model: &str,
        version: &CatalogVersion,
    ) -> Result<Option<String>, TrackingError> {
        let run = self.run_of(version)?;
        let source = match &run {
            Some(run) => self.source(run)?,
            None => format!("pdm-ml:/{model}/{}", version.number),
        };
        let tags = tags(version)
            .into_iter()
            .map(|(key, value)| WirePair::new(key, value))
            .collect();
        let run_id = run.as_ref().map(|run| run.info.run_id.as_str());
        let request = CreateVersion {
            name: model,
            source: &source,
            run_id,
            tags,
        };
        let name = format!("{model}/{}", version.number);
        match self.create_once(&request, version) {
            Ok(number) => {
                self.report.versions.push(name);
                Ok(Some(number))
            }
            Err(TrackingError::Refused {
                status: 400,
                message,
                ..
            }) => {
                self.report
                    .problems
                    .push(format!("model {name} is refused: {message}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Creating twice makes two versions, so each retry begins with a search.
    fn create_once(
        &self,
        request: &CreateVersion<'_>,
        version: &CatalogVersion,
    ) -> Result<String, TrackingError> {
        let mut tried = 0;
        loop {
            tried += 1;
            let error = match self.client.post::<VersionAnswer>(
                "model-versions/create",
                request,
                Idempotency::NotIdempotent,
            ) {
                Ok(answer) => return Ok(answer.model_version.version),
                Err(error) => error,
            };
            self.client.wait_for_retry(tried, error)?;
            let known = versions(self.client, request.name)?;
            if let Some(known) = known.into_iter().find(|known| is_copy(known, version)) {
                return Ok(known.version);
            }
        }
    }

    /// Sets the tags that differ, and returns the server's number of the version.
    fn retag(
        &self,
        known: &RemoteVersion,
        version: &CatalogVersion,
    ) -> Result<Option<String>, TrackingError> {
        for (key, value) in tags(version)
            .into_iter()
            .filter(|(key, value)| known.tag(key) != Some(value))
        {
            let request = SetVersionTag {
                name: &known.name,
                version: &known.version,
                key: &key,
                value: &value,
            };
            let _: Nothing =
                self.client
                    .post("model-versions/set-tag", &request, Idempotency::Idempotent)?;
        }
        Ok(Some(known.version.clone()))
    }

    /// Moves aliases that point to other versions on the server.
    fn point(
        &mut self,
        model: &CatalogModel,
        there: &RemoteModel,
        numbers: &Numbers,
    ) -> Result<(), TrackingError> {
        let name = &model.name;
        for (alias, ours) in &model.aliases {
            let Some(version) = numbers.get(ours) else {
                continue;
            };
            if there
                .aliases
                .iter()
                .any(|known| known.alias == *alias && known.version == *version)
            {
                continue;
            }
            let request = SetAlias {
                name,
                alias,
                version,
            };
            match self.client.post::<Nothing>(
                "registered-models/alias",
                &request,
                Idempotency::Idempotent,
            ) {
                Ok(Nothing {}) => self
                    .report
                    .aliases
                    .push(format!("{name}@{alias} to {ours}")),
                Err(TrackingError::Refused {
                    status: 400,
                    message,
                    ..
                }) => {
                    self.report
                        .problems
                        .push(format!("alias {name}@{alias} is refused: {message}"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns the server's copy of the run that made a version, if it has one.
    fn run_of(&mut self, version: &CatalogVersion) -> Result<Option<RemoteRun>, TrackingError> {
        let Ok(run) = version.run.parse() else {
            return Ok(None);
        };
        if self.experiments.is_none() {
            self.experiments = Some(experiments(self.client)?);
        }
        let found = search::find(
            self.client,
            self.experiments.as_deref().unwrap_or_default(),
            run,
        )?;
        Ok(found.filter(|run| !run.is_deleted()))
    }

    /// Returns the address of the folder of a run that a version points to.
    fn source(&self, run: &RemoteRun) -> Result<String, TrackingError> {
        let query = [("run_id", run.info.run_id.as_str()), ("path", MODEL)];
        let has_model = match self.client.get::<FilesAnswer>("artifacts/list", &query) {
            Ok(answer) => !answer.files.is_empty(),
            // A server may be unable to list a store of which it only knows the address.
            Err(TrackingError::Refused {
                status: 400 | 404 | 500 | 501,
                ..
            }) => false,
            Err(error) => return Err(error),
        };
        Ok(format!(
            "{}/{}",
            run.info.artifact_uri.trim_end_matches('/'),
            if has_model { MODEL } else { BUNDLE }
        ))
    }
}

/// Returns whether the server's version is the copy of ours.
fn is_copy(known: &RemoteVersion, version: &CatalogVersion) -> bool {
    known.tag(VERSION_TAG) == Some(&version.number.to_string())
        && known.tag(BUNDLE_TAG) == Some(&version.bundle)
}

fn tags(version: &CatalogVersion) -> BTreeMap<String, String> {
    let own = [
        (VERSION_TAG, version.number.to_string()),
        (BUNDLE_TAG, version.bundle.clone()),
        (RUN_TAG, version.run.clone()),
    ];
    let more = version
        .tags
        .iter()
        .map(|(key, value)| (format!("pdm_ml.{key}"), value.clone()));
    own.into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .chain(more)
        .collect()
}

/// Returns the server's versions of a model; if there are several copies of one of ours, the oldest comes first.
fn versions(client: &MlflowClient, model: &str) -> Result<Vec<RemoteVersion>, TrackingError> {
    let filter = format!("name='{model}'");
    let mut page = None::<String>;
    let mut found = Vec::new();
    let mut pages = PageFollower::of("model-versions/search");
    loop {
        let mut query = vec![("filter", filter.as_str()), ("max_results", "1000")];
        query.extend(page.as_deref().map(|page| ("page_token", page)));
        let answer: VersionsAnswer = client.get("model-versions/search", &query)?;
        found.extend(answer.model_versions);
        page = pages.next(answer.next_page_token)?;
        if page.is_none() {
            found.sort_by_key(|version: &RemoteVersion| {
                version.version.parse::<u64>().unwrap_or(u64::MAX)
            });
            return Ok(found);
        }
    }
}

fn experiments(client: &MlflowClient) -> Result<Vec<String>, TrackingError> {
    let mut search = SearchExperiments {
        max_results: 1000,
        view_type: "ACTIVE_ONLY",
        page_token: None,
    };
    let mut found = Vec::new();
    let mut pages = PageFollower::of("experiments/search");
    loop {
        let answer: ExperimentsAnswer =
            client.post("experiments/search", &search, Idempotency::Idempotent)?;
        found.extend(
            answer
                .experiments
                .into_iter()
                .map(|experiment| experiment.experiment_id),
        );
        search.page_token = pages.next(answer.next_page_token)?;
        if search.page_token.is_none() {
            return Ok(found);
        }
    }
}
