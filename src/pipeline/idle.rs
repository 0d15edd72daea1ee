//! Options that are right by themselves and change nothing with the model family at hand.

use super::PipelineSpec;
use crate::models::ModelOptions;
use crate::train::Loss;

impl PipelineSpec {
    /// Returns what the user set in vain, one sentence each. A search over families may set them for other families, so
    /// they are no mistakes.
    pub fn idle_options(&self) -> Vec<String> {
        let members = match &self.model {
            ModelOptions::Stack(stack) => stack.member.iter().collect(),
            single => vec![single],
        };
        let none_learns_by_loss = members.iter().all(|member| member.neural().is_none());
        let none_stops_early = members.iter().all(|member| matches!(member, ModelOptions::Linear(_)));
        let loss = (self.train.loss != Loss::Mse && none_learns_by_loss)
            .then_some("`train.loss` changes nothing: there is no network to learn by it");
        let validation = (self.train.validation > 0.0 && none_stops_early)
            .then_some("`train.validation` changes nothing: a linear model is solved at once and cannot stop early");
        loss.into_iter().chain(validation).map(ToOwned::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(text: &str) -> Vec<String> {
        let text = format!("version = 1\n[project]\nname = \"x\"\n[dataset]\nkind = \"simulated\"\n{text}");
        PipelineSpec::load(&text, "pdm.toml", &[], &|_| None).unwrap().0.idle_options()
    }

    #[test]
    fn what_no_member_obeys_is_told() {
        let stack = |kind| {
            format!(
                "[train]\nloss = \"huber\"\nvalidation = 0.2\n[model]\nkind = \"stack\"\n[[model.member]]\nkind = \"linear\"\n[[model.member]]\nkind = \"{kind}\""
            )
        };
        let of = |kind: &str| idle(&format!("[train]\nloss = \"huber\"\nvalidation = 0.2\n[model]\nkind = \"{kind}\""));
        assert_eq!(of("gru"), [""; 0]);
        assert!(of("gbdt").len() == 1 && of("gbdt")[0].contains("train.loss"));
        assert!(of("linear").len() == 2 && of("linear")[1].contains("train.validation"));
        assert_eq!([idle(&stack("linear")).len(), idle(&stack("gbdt")).len(), idle(&stack("cnn")).len()], [2, 1, 0]);
        assert_eq!(idle("[model]\nkind = \"linear\""), [""; 0]);
    }
}
