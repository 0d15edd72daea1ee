//! The minimal S3 permissions of a job, as a policy for the owner of the bucket.
//!
//! Condition keys as in "Enforce conditional writes on Amazon S3 buckets", Amazon S3 User Guide.

use serde_json::{Value, json};

use super::error::RegistryError;
use super::keys::{BLOBS, LOG, PROBES, SNAPSHOTS};
use crate::bucket::{BucketAddress, Provider};

/// What a job does with a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryRole {
    /// Lists and fetches models: a service, a dashboard.
    Reader,
    /// Registers models, and moves aliases: a training job. Long blobs are uploaded in parts, for which S3 has no condition.
    Publisher,
    /// Moves aliases, and adds notes and approvals; cannot overwrite anything: a job that gates.
    Promoter,
    /// Removes unneeded blobs, and aborts abandoned uploads; cannot overwrite anything: `registry gc`.
    Collector,
}

/// Returns the policy for a role in the registry at `s3://bucket/prefix`: with a `principal` (an ARN) a bucket policy, else
/// an identity policy.
///
/// # Errors
/// [`RegistryError::Address`] if the registry is not in an S3 bucket.
pub fn s3_policy(
    url: &str,
    role: RegistryRole,
    principal: Option<&str>,
) -> Result<Value, RegistryError> {
    let BucketAddress::Bucket {
        provider: Provider::S3,
        bucket,
        prefix,
    } = BucketAddress::parse(url)?
    else {
        let what = "a policy for S3 needs an address like s3://bucket/prefix".to_owned();
        return Err(RegistryError::Address {
            url: url.to_owned(),
            what,
        });
    };
    let prefix = if prefix.as_ref().is_empty() {
        String::new()
    } else {
        format!("{prefix}/")
    };
    let bucket = format!("arn:aws:s3:::{bucket}");
    let at = |keys: &[&str]| {
        keys.iter()
            .map(|key| format!("{bucket}/{prefix}{key}"))
            .collect::<Vec<_>>()
    };
    let [log, snapshots, blobs, probes] =
        [LOG, SNAPSHOTS, BLOBS, PROBES].map(|folder| format!("{folder}/*"));
    let written = ["store.json", &log, &snapshots, &probes, &blobs];
    let list = json!({ "StringLike": { "s3:prefix": [format!("{prefix}*")] } });
    let only_new = json!({ "Null": { "s3:if-none-match": "false" } });
    let read = [
        (
            "List",
            vec!["s3:ListBucket"],
            vec![bucket.clone()],
            Some(list),
        ),
        ("Read", vec!["s3:GetObject"], at(&["*"]), None),
    ];
    let remove_probes = (
        "RemoveExperiments",
        vec!["s3:DeleteObject"],
        at(&[&probes]),
        None,
    );
    let more = match role {
        RegistryRole::Reader => vec![],
        RegistryRole::Promoter => vec![
            (
                "CreateOnly",
                vec!["s3:PutObject"],
                at(&written),
                Some(only_new),
            ),
            remove_probes,
        ],
        RegistryRole::Collector => vec![
            (
                "CreateOnly",
                vec!["s3:PutObject"],
                at(&written[..3]),
                Some(only_new),
            ),
            (
                "RemoveBlobs",
                vec!["s3:DeleteObject", "s3:AbortMultipartUpload"],
                at(&[&blobs]),
                None,
            ),
            remove_probes,
        ],
        RegistryRole::Publisher => vec![
            (
                "CreateOnly",
                vec!["s3:PutObject"],
                at(&written[..4]),
                Some(only_new),
            ),
            (
                "UploadBlobs",
                vec!["s3:PutObject", "s3:AbortMultipartUpload"],
                at(&[&blobs]),
                None,
            ),
            remove_probes,
        ],
    };
    let statement =
        |(sid, action, resource, condition): (&str, Vec<&str>, Vec<String>, Option<Value>)| {
            let mut statement = json!({ "Sid": sid, "Effect": "Allow" });
            if let Some(principal) = principal {
                statement["Principal"] = json!({ "AWS": principal });
            }
            statement["Action"] = json!(action);
            statement["Resource"] = json!(resource);
            if let Some(condition) = condition {
                statement["Condition"] = condition;
            }
            statement
        };
    let statements: Vec<_> = read.into_iter().chain(more).map(statement).collect();
    Ok(json!({ "Version": "2012-10-17", "Statement": statements }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(role: RegistryRole) -> Value {
        s3_policy("s3://models/plant-7/", role, None).unwrap()
    }

    fn allowed(policy: &Value, action: &str) -> Vec<(String, bool)> {
        let statements = policy["Statement"].as_array().unwrap().iter();
        let has = |statement: &&Value| {
            statement["Action"]
                .as_array()
                .unwrap()
                .contains(&action.into())
        };
        statements
            .filter(has)
            .flat_map(|statement| {
                let only_new = statement["Condition"]["Null"]["s3:if-none-match"] == "false";
                let resources = statement["Resource"].as_array().unwrap().iter();
                resources
                    .map(move |resource| (resource.as_str().unwrap().to_owned(), only_new))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn no_role_may_change_the_log_and_a_promoter_nothing_at_all() {
        let key = |key: &str| format!("arn:aws:s3:::models/plant-7/{key}");
        for role in [
            RegistryRole::Reader,
            RegistryRole::Publisher,
            RegistryRole::Promoter,
            RegistryRole::Collector,
        ] {
            let policy = of(role);
            assert_eq!(allowed(&policy, "s3:GetObject"), [(key("*"), false)]);
            let puts = allowed(&policy, "s3:PutObject");
            assert_eq!(puts.is_empty(), role == RegistryRole::Reader);
            let changed: Vec<_> = puts
                .iter()
                .filter(|(_, only_new)| !only_new)
                .map(|(key, _)| key.clone())
                .collect();
            assert_eq!(
                changed,
                if role == RegistryRole::Publisher {
                    vec![key("blobs/*")]
                } else {
                    vec![]
                },
                "{role:?}"
            );
            let deletes = allowed(&policy, "s3:DeleteObject");
            let removable = |found: &String| *found == key("probe/*") || *found == key("blobs/*");
            assert!(
                deletes.iter().all(|(found, _)| removable(found)),
                "{deletes:?}"
            );
            let removes_blobs = deletes.iter().any(|(found, _)| *found == key("blobs/*"));
            assert_eq!(removes_blobs, role == RegistryRole::Collector);
            let list = &policy["Statement"][0]["Condition"]["StringLike"]["s3:prefix"][0];
            assert_eq!(list, "plant-7/*");
        }
    }

    #[test]
    fn a_bucket_policy_names_whom_it_is_for_and_other_stores_have_none() {
        let arn = "arn:aws:iam::111122223333:role/retrain";
        let policy = s3_policy("s3://models", RegistryRole::Promoter, Some(arn)).unwrap();
        assert!(
            policy["Statement"]
                .as_array()
                .unwrap()
                .iter()
                .all(|statement| statement["Principal"]["AWS"] == arn)
        );
        assert_eq!(
            allowed(&policy, "s3:GetObject")[0].0,
            "arn:aws:s3:::models/*"
        );
        assert!(s3_policy("registry/store", RegistryRole::Reader, None).is_err());
        assert!(s3_policy("gs://models", RegistryRole::Reader, None).is_err());
    }
}
