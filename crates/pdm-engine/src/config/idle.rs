//! Options that are valid but change nothing with the chosen model family.

use super::PipelineSpec;
use pdm_models::train::Loss;

impl PipelineSpec {
    /// Returns the options that change nothing, one sentence each. They are not mistakes: a search over families may set them
    /// for other families.
    pub fn idle_options(&self) -> Vec<String> {
        let family = self.model.family();
        let mut idle = Vec::new();
        if self.train.loss != Loss::Mse && !family.learns_by_loss() {
            idle.push("`train.loss` changes nothing: only networks learn by a loss".to_owned());
        }
        if self.train.validation > 0.0
            && let Some(why) = family.never_stops_early()
        {
            idle.push(format!("`train.validation` changes nothing: {why}"));
        }
        idle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idle(text: &str) -> Vec<String> {
        let text = format!(
            "version = 1\n[project]\nname = \"x\"\n[dataset]\nkind = \"simulated\"\n{text}"
        );
        PipelineSpec::load(&text, "pdm.toml", &[], &|_| None)
            .unwrap()
            .0
            .idle_options()
    }

    #[test]
    fn an_option_that_no_member_uses_is_reported() {
        let stack = |kind| {
            format!(
                "[train]\nloss = \"huber\"\nvalidation = 0.2\n[model]\nkind = \"stack\"\n[[model.member]]\nkind = \"linear\"\n[[model.member]]\nkind = \"{kind}\""
            )
        };
        let of = |kind: &str| {
            idle(&format!(
                "[train]\nloss = \"huber\"\nvalidation = 0.2\n[model]\nkind = \"{kind}\""
            ))
        };
        assert_eq!(of("gru"), [""; 0]);
        assert!(of("gbdt").len() == 1 && of("gbdt")[0].contains("train.loss"));
        assert!(of("linear").len() == 2 && of("linear")[1].contains("train.validation"));
        assert_eq!(
            [
                idle(&stack("linear")).len(),
                idle(&stack("gbdt")).len(),
                idle(&stack("cnn")).len()
            ],
            [2, 1, 0]
        );
        assert_eq!(idle("[model]\nkind = \"linear\""), [""; 0]);
    }
}
