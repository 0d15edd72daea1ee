/// Makes the enum of codes from one line each: name, number, exit code, title.
macro_rules! codes {
    ($($name:ident = $number:literal, exits $exit:literal, $title:literal;)*) => {
        /// A kind of error; its number never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Code {
            $(#[doc = $title] $name = $number,)*
        }

        impl Code {
            /// All codes, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns what is wrong, in a few words.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                }
            }

            /// Returns the exit code of a command that ends with this error.
            pub fn exit(self) -> u8 {
                match self {
                    $(Self::$name => $exit,)*
                }
            }

            /// Returns what the error means, why it is one and how to fix it, as Markdown.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Self::$name => include_str!(concat!("explanations/E0", stringify!($number), ".md")),)*
                }
            }
        }
    };
}

codes! {
    // The pipeline file.
    TomlSyntax = 101, exits 2, "the file is not valid TOML";
    NotText = 102, exits 2, "the pipeline file is not UTF-8 text";
    NoPipeline = 103, exits 2, "the pipeline file cannot be read";
    FormatVersion = 104, exits 2, "the format version is missing or unknown";
    UnknownSection = 105, exits 2, "unknown section or key at the top level";
    MissingSection = 106, exits 2, "a required section is missing";
    UnknownKey = 107, exits 2, "unknown key in a section";
    MissingKey = 108, exits 2, "a required key is missing";
    WrongType = 109, exits 2, "a value has the wrong type";
    BadValue = 110, exits 2, "a value is not allowed for its option";
    UnknownWord = 111, exits 2, "a value is not one of the choices";
    UnknownKind = 112, exits 2, "unknown `kind`";
    NotAList = 113, exits 2, "one table where a list of tables is expected";
    UnboundedNumber = 114, exits 2, "a number is not finite or does not fit into 64 bits";
    DuplicateKey = 115, exits 2, "a key or table is defined twice";
    BadOverride = 116, exits 2, "an override is not of the form KEY=VALUE";
    NoPlaceForOverride = 117, exits 2, "an override names a place that does not exist";
    VariableNotAllowed = 118, exits 2, "an environment variable in a value that does not allow one";
    VariableNotSet = 119, exits 2, "an environment variable is not set";
    VariableSyntax = 120, exits 2, "invalid environment variable name";
    BadName = 121, exits 2, "invalid name";
    NotAVariableName = 122, exits 2, "a value where the name of an environment variable is expected";
    KeysExclude = 123, exits 2, "two keys exclude each other";
    KeyNeedsOther = 124, exits 2, "a key requires another key";
    NamedTwice = 125, exits 2, "the same thing is named twice";
    UnknownColumn = 126, exits 2, "unknown column";
    IgnoredRegimes = 127, exits 2, "one regime for a data set that has several";
    TooManyFolds = 128, exits 2, "more folds than training units";
    UnreachableCoverage = 129, exits 2, "too few units to reach the coverage";
    QuantilesOfNoNetwork = 130, exits 2, "quantile loss with a model that is not a network";
    QuantilesNotLearnt = 131, exits 2, "quantile calibration with a model that predicts no quantiles";
    GateAgainstCoverage = 132, exits 2, "a gate excludes the target coverage";
    StackMembers = 133, exits 2, "a stack with too few models, or inside another stack";
    GateKeys = 134, exits 2, "the keys of a gate do not match its rule";
    BackendNotBuilt = 135, exits 2, "this program was built without the backend";
    NothingToSearch = 136, exits 2, "nothing to search";
    NotSearchable = 137, exits 2, "a key that cannot be searched";
    SearchedKeyUnknown = 138, exits 2, "unknown key in [tune.space]";
    SearchRange = 139, exits 2, "invalid search range";
    SearchValue = 140, exits 2, "a search value that the pipeline would refuse";
    SearchGrid = 141, exits 2, "a search grid that is infinite or too large";

    // Layers and versions of the pipeline file.
    NewerKey = 142, exits 2, "a key that needs a newer format version than the file has";
    RenamedKey = 143, exits 2, "a key is given under both its old and its new name";
    ExtendedFile = 144, exits 2, "an extended file cannot be read";
    ExtendsWithoutEnd = 145, exits 2, "files extend each other in a circle";
    UnknownProfile = 146, exits 2, "unknown profile";
    NotInAProfile = 147, exits 2, "a key that cannot be set in a profile";
    VariableOfNoKey = 148, exits 2, "a PDM_ML__ variable does not name a key";
    OnlyInAFile = 149, exits 2, "a key that can only be set in a file";

    // The arguments.
    Arguments = 150, exits 2, "invalid arguments";
    ArgumentValue = 151, exits 2, "invalid value of an argument";
    WouldOverwrite = 152, exits 2, "the file already exists";
    ProjectExists = 153, exits 1, "the folder already contains a project";
    UnknownCode = 154, exits 2, "unknown error code";
    UnknownTableFormat = 155, exits 2, "unknown format for a table";
    NobodyToAsk = 156, exits 2, "confirmation needed, but standard input is not a terminal";
    Declined = 157, exits 1, "declined";
    VariableValue = 158, exits 2, "invalid value of an environment variable";
    NotNameable = 159, exits 1, "a path that a workflow or scheduler cannot represent";
    WorkflowExists = 160, exits 1, "the workflow already exists";
    OutputIsInput = 161, exits 2, "an output would overwrite an input";
    OutputsCollide = 162, exits 2, "two outputs go to the same file";
    NeedsPipelineFile = 163, exits 2, "the command needs a pipeline file";
    AlarmExpression = 164, exits 2, "invalid alarm condition";
    PipelineTooLarge = 166, exits 2, "the pipeline file is too large";
    SystemRefuses = 167, exits 50, "the system refuses the threads or memory that are needed";
    NoOpponent = 168, exits 2, "not a run, a registered version or a bundle to compare with";

    // Notifications and schedules in the pipeline file.
    Unencrypted = 170, exits 2, "a notification would be sent unencrypted";
    Cron = 171, exits 2, "a cron expression that is invalid or never matches";
    SchedulerLacks = 172, exits 2, "the scheduler needs a key that is not set";
    SchedulerCannot = 173, exits 2, "the scheduler cannot express the schedule";

    // Programs as stages in the pipeline file.
    StagesInACircle = 180, exits 2, "stages depend on each other in a circle";
    OutputTaken = 181, exits 2, "an output that another stage already makes or reads";
    StagePath = 182, exits 2, "invalid input or output path of a stage";

    // Expectations of the data, in the order of the checks.
    DataInvalid = 200, exits 10, "the data do not meet their expectations";
    DataNotPinned = 201, exits 10, "a data file differs from the published one";
    DataIncomplete = 202, exits 10, "a data file is truncated, empty or in the wrong format";
    DataColumns = 203, exits 10, "rows with missing or extra columns, or an unexpected header";
    DataTypes = 204, exits 10, "cells that are not numbers";
    DataNotFinite = 205, exits 10, "cells that are empty, infinite or NaN";
    CyclesNotAscending = 206, exits 10, "the cycles of a unit are not in ascending order";
    CyclesNotContiguous = 207, exits 10, "the cycles of a unit have gaps";
    UnitsNotContiguous = 208, exits 10, "the rows of a unit are not contiguous";
    UnitCounts = 209, exits 10, "the number of units or rows differs from the published data set";
    RulRows = 210, exits 10, "the true RULs do not match the test units";
    RulValues = 211, exits 10, "a true RUL is negative";
    OutOfRange = 212, exits 10, "values outside their declared range";
    ShortHistory = 213, exits 10, "units with too little history";
    ConstantSensor = 214, exits 10, "a sensor is constant";
    StuckSensor = 215, exits 10, "a sensor is stuck at the end of a history";
    DuplicateRows = 216, exits 10, "duplicate rows";
    CopiedUnits = 217, exits 11, "a unit is a copy of another unit";
    DataLost = 218, exits 10, "units or rows that a model was trained on are missing";

    DataAddress = 219, exits 2, "an address where a local data file is expected";

    // Files of data.
    DataMissing = 220, exits 1, "a data file does not exist";
    NotADataFile = 221, exits 1, "a folder or device where a data file is expected";
    UnknownDataFormat = 222, exits 1, "unknown format of a data file";
    DataChanged = 223, exits 1, "a data file changed during the run";
    Archive = 224, exits 1, "an archive cannot be read, or does not contain the data set";
    NotPublished = 225, exits 10, "the files differ from those that NASA published";
    NothingToInstall = 226, exits 1, "the source contains no file of the data set";
    UnknownUnit = 227, exits 2, "the input has no such unit";
    DownloadFailed = 228, exits 75, "a download failed; try again";
    DownloadRefused = 229, exits 1, "the server refused a download";

    // Units of the holdout.
    HoldoutTooSmall = 230, exits 1, "the holdout has too few units to judge a model";

    // Implausible values and skipped units.
    Implausible = 240, exits 10, "implausible values, such as a placeholder for a missing one";
    UnitsSkipped = 241, exits 10, "units that cannot be predicted were skipped";

    // Drafting a pipeline from files.
    NoUnitColumn = 245, exits 1, "no column names the units of the data";
    NoSensorColumn = 246, exits 1, "no column of the data can be a sensor";

    // Features, training and models.
    FeatureColumn = 301, exits 1, "a sensor in the features section is not in the data";
    NothingVaries = 302, exits 1, "all sensors are constant";
    TooLittleData = 303, exits 1, "too little data to train on";
    Leak = 304, exits 11, "a model was trained on units that it is judged on";
    Diverged = 305, exits 1, "the training diverged";
    NotFinite = 306, exits 1, "a model predicts infinity or NaN";
    TooFewUnitsToSplit = 307, exits 1, "too few units for the number of folds";
    TooFewUnitsToCalibrate = 308, exits 1, "too few units for intervals with this coverage";
    OtherColumns = 309, exits 1, "the model and the data have different columns";
    NotABundle = 310, exits 1, "the folder is not a bundle";
    BundleDamaged = 311, exits 40, "a bundle is damaged or was changed";
    NewerBundle = 312, exits 1, "the bundle has a newer format";
    FirstRowBeyondLives = 313, exits 1, "`first_row` is larger than every training history";
    NotExportable = 320, exits 1, "the model cannot be exported";
    NothingToExport = 321, exits 1, "no unit to build an example input from";
    SearchBusy = 330, exits 1, "another process is running the same search";
    NotAStudy = 331, exits 1, "the file is not the journal of this search";
    NoTrialScored = 332, exits 1, "all trials of the search failed";
    WinnerNotWritten = 333, exits 1, "the best values cannot be written into the file";
    NotWritable = 340, exits 1, "a result contains a number that cannot be written as JSON";
    Alarm = 341, exits 32, "a prediction meets an alarm condition";
    PredictionJournal = 342, exits 1, "the journal of predictions cannot be read or written";
    NothingCompared = 345, exits 1, "two models have no scores in common";

    // Scores and gates.
    NothingToScore = 401, exits 1, "nothing to score";
    MissingTruth = 402, exits 1, "a prediction without a true RUL";
    NotScorable = 403, exits 1, "a value that cannot be scored";
    PredictedTwice = 404, exits 1, "the same unit and cycle is predicted twice";
    MissingInterval = 405, exits 1, "only some predictions have an interval";
    OtherUnits = 406, exits 1, "the predictions do not match the units and cycles of the protocol";
    Protocol = 407, exits 1, "invalid evaluation protocol";
    TooFewUnitsToScore = 408, exits 1, "too few units for the interval of a score";
    UnlikeProtocols = 409, exits 1, "the scores have different protocols";
    NotPaired = 410, exits 1, "two models were not judged on the same units";
    NoFiniteScore = 411, exits 1, "a score is not finite";
    NoQuantiles = 412, exits 1, "quantile calibration of a model without quantiles";
    GateRefused = 420, exits 20, "a gate failed";
    GateUndecided = 421, exits 21, "a gate is undecided";
    OtherReport = 422, exits 1, "the gate report is about another version";
    Protected = 423, exits 20, "the alias is protected";
    NotApproved = 424, exits 22, "approval by another person is required";
    Unsigned = 425, exits 20, "a required signature is missing";
    Drift = 430, exits 30, "drift: new units differ from those that the champion was trained on";
    TooFewNewUnits = 431, exits 31, "too few new units to test for drift";

    // `--strict`.
    Strict = 432, exits 1, "`--strict`: a warning changes what the job does";

    // The registry.
    StoreAddress = 501, exits 2, "invalid address of a store";
    StoreUnavailable = 502, exits 75, "the registry's store is unavailable; try again";
    StoreRefused = 503, exits 1, "the registry's store refused the request";
    StoreUnsafe = 504, exits 1, "the store is not safe for a registry";
    NoRegistry = 505, exits 1, "no registry at this address";
    NewerRegistry = 506, exits 1, "the registry was written by a newer program";
    RegistryDamaged = 507, exits 40, "the registry is damaged";
    RaceLost = 508, exits 41, "the registry was changed by another process in the meantime";
    BadReference = 509, exits 2, "invalid reference to a model";
    BundlePath = 510, exits 1, "invalid path of a file in a bundle";
    UnknownModel = 511, exits 1, "unknown model";
    UnknownVersion = 512, exits 1, "unknown version";
    UnknownAlias = 513, exits 1, "unknown alias";
    NothingBefore = 514, exits 1, "nothing to roll back to";
    Retired = 515, exits 1, "the version is retired";
    Collected = 516, exits 1, "the files of the version were removed";
    GraceTooShort = 517, exits 2, "the grace period is too short to be safe";
    ClocksDiffer = 518, exits 1, "the clocks of this machine and of the store differ";
    PlaceTaken = 519, exits 1, "the destination already exists";
    BadTag = 520, exits 2, "invalid container tag";
    VersionInUse = 521, exits 1, "an alias points to the version";
    NoReason = 522, exits 2, "a reason is required";
    OtherPredictions = 523, exits 1, "the scorecard belongs to other predictions";
    RegistryJson = 524, exits 1, "a value of the registry cannot be read or written as JSON";
    BundleChanged = 525, exits 1, "a bundle changed during the upload";
    SigningKey = 526, exits 2, "the signing key cannot be used";
    Policy = 527, exits 2, "invalid policy file";
    ClockBehind = 528, exits 2, "PDM_ML_NOW is earlier than the newest entry of the log";
    OtherRegistry = 529, exits 40, "not the expected registry";
    LogMissing = 530, exits 40, "the registry has no log";
    MostlyOrphans = 531, exits 40, "more than half of the registry is not referenced by its log";
    TooLong = 532, exits 1, "too large for the registry";
    FileInTheWay = 533, exits 1, "an existing file would be overwritten by a fetched one";
    NotAStore = 534, exits 1, "the server at the address is not an object store";

    // Tracking.
    NoServer = 601, exits 2, "no MLflow server is configured";
    UnknownRun = 602, exits 1, "unknown run";
    AmbiguousRun = 603, exits 1, "the run id is ambiguous";
    NotAJournal = 604, exits 1, "the file is not the journal of a run";
    NewerJournal = 605, exits 1, "the journal has a newer format";
    ArtifactName = 606, exits 1, "invalid artifact name";
    RunBusy = 607, exits 75, "another process is sending the same run";
    ServerAddress = 608, exits 1, "invalid server address";
    Credentials = 609, exits 1, "invalid server credentials";
    BadSetting = 610, exits 1, "invalid value of an MLflow environment variable";
    HttpSetUp = 611, exits 1, "the HTTP client cannot be set up";
    ServerUnavailable = 612, exits 75, "the MLflow server is unavailable; try again";
    ServerRefused = 613, exits 1, "the MLflow server refused the request";
    ArtifactBucket = 614, exits 1, "the artifact bucket refused an upload";
    NotMlflow = 615, exits 1, "the server is not an MLflow server";
    AnswerTooLarge = 616, exits 1, "the response of a server is too large";
    ExperimentDeleted = 617, exits 1, "the experiment was deleted on the server";

    // Notifications.
    NotDeliveredYet = 620, exits 75, "a notification could not be delivered; try again";
    NotDelivered = 621, exits 1, "a notification cannot be delivered";

    // The cache and files.
    FileAccess = 701, exits 1, "a file or folder cannot be read or written";
    CacheEntry = 702, exits 1, "a stage left something that the cache cannot store";
    CacheChanged = 703, exits 1, "a file in the cache was changed";
    TableNotWritten = 704, exits 1, "a table cannot be written";
    NoOutput = 705, exits 1, "standard output cannot be written";

    // The lock of a pipeline, and the lock of a project.
    NoLock = 711, exits 2, "there is no lock file";
    LockUnusable = 712, exits 2, "the lock file cannot be used";
    LockedStage = 713, exits 2, "a stage differs from the lock";
    LockedData = 714, exits 42, "the data differ from the lock";
    NotReproduced = 715, exits 42, "a stage produced a different result than the lock records";
    ProjectBusy = 716, exits 75, "another command is changing the project";

    // Programs as stages.
    ProgramInput = 721, exits 1, "an input of a program is missing or changed while it ran";
    ProgramNotStarted = 722, exits 1, "a program could not be started";
    ProgramFailed = 723, exits 1, "a program failed";
    ProgramTimedOut = 724, exits 1, "a program exceeded its timeout";
    ProgramOutput = 725, exits 1, "a program did not write one of its outputs";

    // The machine.
    MemoryBudgetBefore = 801, exits 50, "the estimated memory exceeds the budget";
    MemoryBudget = 802, exits 50, "the memory in use exceeds the budget";
    TimeBudget = 803, exits 50, "training exceeded its time budget";
    Interrupted = 804, exits 130, "interrupted";
    Terminated = 805, exits 143, "terminated";
    Resources = 806, exits 1, "the system refuses a resource that is needed";
    Abandoned = 807, exits 1, "stopped because another stage failed";
}
