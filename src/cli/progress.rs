use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{
    HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};

use pdm_core::events::{Event, Observer};

const TASK: &str = "{prefix:>14} {bar:28} {pos}/{len}  {msg}  {elapsed} {left}";
const STAGE: &str = "{prefix:>14} {spinner} {msg}";

/// Shows stages and long tasks on standard error while they run, and clears them when done.
///
/// Used only if standard error is a terminal, so logs of scheduled jobs stay clean.
pub(super) struct Progress {
    bars: MultiProgress,
    shown: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Progress {
    /// Returns a display on standard error.
    pub(super) fn new() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self {
            bars,
            shown: Mutex::default(),
        }
    }

    fn with_shown(&self, act: impl FnOnce(&mut BTreeMap<String, ProgressBar>)) {
        if let Ok(mut shown) = self.shown.lock() {
            act(&mut shown);
        }
    }

    fn stage(&self, stage: &str, why: &str) {
        let bar = self
            .bars
            .add(ProgressBar::new_spinner().with_style(style(STAGE)));
        bar.set_prefix(stage.to_owned());
        bar.set_message(why.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        self.with_shown(|shown| drop(shown.insert(stage.to_owned(), bar)));
    }

    fn task(&self, task: &str, done: u64, total: u64, note: &str) {
        self.with_shown(|shown| {
            let bar = shown.entry(task.to_owned()).or_insert_with(|| {
                let bar = self
                    .bars
                    .add(ProgressBar::new(total).with_style(style(TASK)));
                bar.set_prefix(task.to_owned());
                bar
            });
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(note.to_owned());
            if done >= total {
                bar.finish_and_clear();
                shown.remove(task);
            }
        });
    }

    fn clear(&self, stage: &str) {
        self.with_shown(|shown| {
            if let Some(bar) = shown.remove(stage) {
                bar.finish_and_clear();
            }
        });
    }
}

impl Observer for Progress {
    fn on(&self, event: &Event) {
        match event {
            Event::StageStarted { stage, why } => self.stage(stage, why),
            Event::StageFinished { stage, .. } => self.clear(stage),
            Event::Progress {
                task,
                done,
                total,
                note,
            } => self.task(task, *done, *total, note),
            Event::Note { message } => self.bars.suspend(|| super::ui::note(message)),
            Event::Warning { message } => self.bars.suspend(|| super::ui::warn(message)),
            _ => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.with_shown(|shown| shown.values().for_each(ProgressBar::finish_and_clear));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("the templates above are well-formed")
        .with_key("left", left)
}

/// Writes the time left, which is unknown before the first step.
fn left(state: &ProgressState, out: &mut dyn fmt::Write) {
    if state.pos() > 0 {
        let _never_full = write!(out, "(about {:#} left)", HumanDuration(state.eta()));
    }
}

/// Writes notes and warnings to standard error if no progress is shown; with `--quiet` only the warnings.
pub(super) struct Words {
    quiet: bool,
}

impl Words {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet }
    }
}

impl Observer for Words {
    fn on(&self, event: &Event) {
        match event {
            Event::Note { message } if !self.quiet => super::ui::note(message),
            Event::Warning { message } => super::ui::warn(message),
            _ => {}
        }
    }
}
