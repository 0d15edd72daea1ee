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

            /// Returns what it means, why it is refused and how to mend it, as Markdown.
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
    TomlSyntax = 101, exits 2, "the file is not TOML";
    NotText = 102, exits 2, "the pipeline file is not UTF-8 text";
    NoPipeline = 103, exits 2, "the pipeline file cannot be read";
    FormatVersion = 104, exits 2, "the format's version is missing or not known";
    UnknownSection = 105, exits 2, "a section or key that does not exist at the top level";
    MissingSection = 106, exits 2, "a section is missing";
    UnknownKey = 107, exits 2, "a key that does not exist in its section";
    MissingKey = 108, exits 2, "a key is missing";
    WrongType = 109, exits 2, "a value of the wrong type";
    BadValue = 110, exits 2, "a value that the option cannot take";
    UnknownWord = 111, exits 2, "a word that is none of the choices";
    UnknownKind = 112, exits 2, "a kind that does not exist";
    NotAList = 113, exits 2, "one table where a list of tables belongs";
    UnboundedNumber = 114, exits 2, "a number that is not finite or does not fit 64 bits";
    DuplicateKey = 115, exits 2, "a key or table stands twice";
    BadOverride = 116, exits 2, "an override is not KEY=VALUE";
    NoPlaceForOverride = 117, exits 2, "an override names a place that is not there";
    VariableNotAllowed = 118, exits 2, "an environment variable where none is read";
    VariableNotSet = 119, exits 2, "an environment variable is not set";
    VariableSyntax = 120, exits 2, "an environment variable is not named as it must be";
    BadName = 121, exits 2, "a name breaks the rules for names";
    NotAVariableName = 122, exits 2, "a value stands where the name of a variable belongs";
    KeysExclude = 123, exits 2, "two keys exclude each other";
    KeyNeedsOther = 124, exits 2, "a key needs another one";
    NamedTwice = 125, exits 2, "the same thing is named twice";
    UnknownColumn = 126, exits 2, "a column that the data does not have";
    IgnoredRegimes = 127, exits 2, "one regime for data that has several";
    TooManyFolds = 128, exits 2, "more folds than training units";
    UnreachableCoverage = 129, exits 2, "a coverage that so few units cannot reach";
    QuantilesOfNoNetwork = 130, exits 2, "the quantile loss for a model that is no network";
    QuantilesNotLearnt = 131, exits 2, "quantile calibration of a model that learns no quantiles";
    GateAgainstCoverage = 132, exits 2, "a gate excludes the coverage that is aimed at";
    StackMembers = 133, exits 2, "a stack of too few models, or of a stack";
    GateKeys = 134, exits 2, "a gate's keys do not fit its rule";
    BackendNotBuilt = 135, exits 2, "a backend that this program was built without";
    NothingToSearch = 136, exits 2, "there is nothing to search";
    NotSearchable = 137, exits 2, "a key that must not be searched";
    SearchedKeyUnknown = 138, exits 2, "a searched key that does not exist";
    SearchRange = 139, exits 2, "a range of a search that makes no sense";
    SearchValue = 140, exits 2, "a value that no trial could use";
    SearchGrid = 141, exits 2, "a grid without an end, or too large";

    // Layers and versions of the pipeline file.
    NewerKey = 142, exits 2, "a key of a later version of the format than the file's";
    RenamedKey = 143, exits 2, "a key stands beside its older name";
    ExtendedFile = 144, exits 2, "a file that is extended cannot be read";
    ExtendsWithoutEnd = 145, exits 2, "files extend each other without an end";
    UnknownProfile = 146, exits 2, "a profile that does not exist";
    NotInAProfile = 147, exits 2, "a key that a profile cannot change";
    VariableOfNoKey = 148, exits 2, "a PDM_ML__ variable that names no key";
    OnlyInAFile = 149, exits 2, "a key that only a file can hold";

    // The arguments.
    Arguments = 150, exits 2, "the arguments are not understood";
    ArgumentValue = 151, exits 2, "the value of an argument cannot be used";
    WouldOverwrite = 152, exits 2, "a file is there already";
    ProjectExists = 153, exits 1, "there is a project in the folder already";
    UnknownCode = 154, exits 2, "no error has this code";
    UnknownTableFormat = 155, exits 2, "a table is to be written in an unknown format";
    NobodyToAsk = 156, exits 2, "a question, and nobody to answer it";
    Declined = 157, exits 1, "the answer was no";
    VariableValue = 158, exits 2, "an environment variable holds what cannot be used";
    NotNameable = 159, exits 1, "a path that a workflow or a scheduler cannot name";
    WorkflowExists = 160, exits 1, "a workflow is there already";
    OutputIsInput = 161, exits 2, "an output would replace an input";
    OutputsCollide = 162, exits 2, "two outputs are the same file";
    NeedsPipelineFile = 163, exits 2, "the command needs a pipeline file";
    AlarmExpression = 164, exits 2, "the condition of an alarm is not understood";
    PipelineTooLarge = 166, exits 2, "the pipeline file is too large";
    SystemRefuses = 167, exits 50, "the system gives neither the threads nor the memory that are needed";
    NoOpponent = 168, exits 2, "a text names no model to compare with";

    // Notices and schedules in the pipeline file.
    Unencrypted = 170, exits 2, "a notice would travel unencrypted";
    Cron = 171, exits 2, "a cron expression that is not understood, or never comes";
    SchedulerLacks = 172, exits 2, "a scheduler needs a key that is not set";
    SchedulerCannot = 173, exits 2, "a scheduler cannot do what the schedule says";

    // Programs as stages in the pipeline file.
    StagesInACircle = 180, exits 2, "stages wait for themselves";
    OutputTaken = 181, exits 2, "an output that something else makes or reads already";
    StagePath = 182, exits 2, "a path that a stage cannot read or make";

    // What is expected of data; the order of the checks.
    DataInvalid = 200, exits 10, "the data did not meet its expectations";
    DataNotPinned = 201, exits 10, "a data file is not the one that was published";
    DataIncomplete = 202, exits 10, "a data file ends early or is none";
    DataColumns = 203, exits 10, "rows without all columns, or a stray header";
    DataTypes = 204, exits 10, "cells that hold no number";
    DataNotFinite = 205, exits 10, "cells that are empty, infinite or NaN";
    CyclesNotAscending = 206, exits 10, "the cycles of a unit do not ascend";
    CyclesNotContiguous = 207, exits 10, "the cycles of a unit have gaps";
    UnitsNotContiguous = 208, exits 10, "the rows of a unit do not stand together";
    UnitCounts = 209, exits 10, "another number of units or rows than the data set has";
    RulRows = 210, exits 10, "true lives and test units do not match";
    RulValues = 211, exits 10, "a true remaining useful life is negative";
    OutOfRange = 212, exits 10, "values outside their declared range";
    ShortHistory = 213, exits 10, "units with too little history";
    ConstantSensor = 214, exits 10, "a sensor that never changes";
    StuckSensor = 215, exits 10, "a sensor freezes at the end of a history";
    DuplicateRows = 216, exits 10, "rows with the same values";
    CopiedUnits = 217, exits 11, "a unit has the rows of another unit";
    DataLost = 218, exits 10, "data that a model learnt from are gone";

    DataAddress = 219, exits 2, "an address where a data file belongs";

    // Files of data.
    DataMissing = 220, exits 1, "a data file does not exist";
    NotADataFile = 221, exits 1, "a folder stands where a data file belongs";
    UnknownDataFormat = 222, exits 1, "a data file of an unknown format";
    DataChanged = 223, exits 1, "a data file was changed while the line ran";
    Archive = 224, exits 1, "an archive cannot be read, or is no copy of the data set";
    NotPublished = 225, exits 10, "files differ from what NASA published";
    NothingToInstall = 226, exits 1, "nothing at the source is a file of the data set";
    UnknownUnit = 227, exits 2, "the input has no such unit";
    DownloadFailed = 228, exits 75, "a download failed; try again";
    DownloadRefused = 229, exits 1, "a download was refused";

    // Units that are held back.
    HoldoutTooSmall = 230, exits 1, "so few units are held back that nothing could be judged";

    // Values and units that are left out.
    Implausible = 240, exits 10, "values that no sensor measured, such as a placeholder for a missing one";
    UnitsSkipped = 241, exits 10, "units that cannot be predicted were left out";

    // Features, training and models.
    FeatureColumn = 301, exits 1, "features are asked for of a column that is not there";
    NothingVaries = 302, exits 1, "no sensor carries information";
    TooLittleData = 303, exits 1, "too little data to learn from";
    Leak = 304, exits 11, "a model learnt from units it is judged on";
    Diverged = 305, exits 1, "a fit diverged";
    NotFinite = 306, exits 1, "a model predicts what is no number";
    TooFewUnitsToSplit = 307, exits 1, "too few units for so many folds";
    TooFewUnitsToCalibrate = 308, exits 1, "too few units for intervals of this coverage";
    OtherColumns = 309, exits 1, "a model and the data disagree on the columns";
    NotABundle = 310, exits 1, "the folder is no bundle";
    BundleDamaged = 311, exits 40, "a bundle was changed or is damaged";
    NewerBundle = 312, exits 1, "a bundle of a later format";
    FirstRowBeyondLives = 313, exits 1, "no unit lives as long as the first row to learn from";
    NotExportable = 320, exits 1, "a model has no form for other programs";
    NothingToExport = 321, exits 1, "no unit to make an input of";
    SearchBusy = 330, exits 1, "another process searches the same space";
    NotAStudy = 331, exits 1, "a file is not the journal of this search";
    NoTrialScored = 332, exits 1, "no trial could be scored";
    WinnerNotWritten = 333, exits 1, "the chosen values cannot be written into the file";
    NotWritable = 340, exits 1, "a result holds a number that cannot be written";
    Alarm = 341, exits 32, "a prediction meets the condition of an alarm";
    PredictionJournal = 342, exits 1, "the journal of predictions cannot be read or written";
    NothingCompared = 345, exits 1, "two models have no scores to compare";

    // Scores and gates.
    NothingToScore = 401, exits 1, "there is nothing to score";
    MissingTruth = 402, exits 1, "a prediction without a truth";
    NotScorable = 403, exits 1, "a number that cannot be scored";
    PredictedTwice = 404, exits 1, "the same unit and cycle is predicted twice";
    MissingInterval = 405, exits 1, "some predictions have an interval and some do not";
    OtherUnits = 406, exits 1, "other units or cycles than the protocol scores";
    Protocol = 407, exits 1, "an evaluation protocol that is impossible";
    TooFewUnitsToScore = 408, exits 1, "too few units for an interval";
    UnlikeProtocols = 409, exits 1, "scores under different protocols";
    NotPaired = 410, exits 1, "two models were not judged on the same";
    NoFiniteScore = 411, exits 1, "a score has no finite value";
    NoQuantiles = 412, exits 1, "a model without quantiles is to be calibrated by them";
    GateRefused = 420, exits 20, "a gate said no";
    GateUndecided = 421, exits 21, "a gate cannot tell";
    OtherReport = 422, exits 1, "a gate report about another version";
    Protected = 423, exits 20, "an alias is protected";
    NotApproved = 424, exits 22, "somebody else must approve first";
    Unsigned = 425, exits 20, "a signature is asked for and missing";
    Drift = 430, exits 30, "new units differ from those the champion learnt from";
    TooFewNewUnits = 431, exits 31, "too few new units to say whether they differ";

    // What `--strict` asks for.
    Strict = 432, exits 1, "a warning changes what the job means";

    // The registry.
    StoreAddress = 501, exits 2, "the address of a store is not understood";
    StoreUnavailable = 502, exits 75, "the registry's store does not answer; try again";
    StoreRefused = 503, exits 1, "the registry's store refused";
    StoreUnsafe = 504, exits 1, "a store that cannot be trusted with a log";
    NoRegistry = 505, exits 1, "there is no registry here";
    NewerRegistry = 506, exits 1, "a newer program wrote to the registry";
    RegistryDamaged = 507, exits 40, "the registry is damaged";
    RaceLost = 508, exits 41, "somebody else changed the registry first";
    BadReference = 509, exits 2, "the text is no reference to a model";
    BundlePath = 510, exits 1, "a file of a bundle has an impossible path";
    UnknownModel = 511, exits 1, "no such model in the registry";
    UnknownVersion = 512, exits 1, "no such version of a model";
    UnknownAlias = 513, exits 1, "no such alias of a model";
    NothingBefore = 514, exits 1, "nothing to roll back to";
    Retired = 515, exits 1, "the version is retired";
    Collected = 516, exits 1, "the files of the version were removed";
    GraceTooShort = 517, exits 2, "a grace that endangers writers at work";
    ClocksDiffer = 518, exits 1, "the clocks of this machine and the store differ";
    PlaceTaken = 519, exits 1, "something stands where a folder is to be written";
    BadTag = 520, exits 2, "a name that is no tag of a container";
    VersionInUse = 521, exits 1, "the version is in use";
    NoReason = 522, exits 2, "a reason is needed";
    OtherPredictions = 523, exits 1, "a scorecard of other predictions";
    RegistryJson = 524, exits 1, "a value of the registry has no JSON form";
    BundleChanged = 525, exits 1, "a bundle was changed while it was uploaded";
    SigningKey = 526, exits 2, "the key cannot sign";
    Policy = 527, exits 2, "a policy file is not understood";
    ClockBehind = 528, exits 2, "the time that is set is before the registry's log";
    OtherRegistry = 529, exits 40, "another registry than the one that is expected, or none";
    LogMissing = 530, exits 40, "the log of a registry is missing";
    MostlyOrphans = 531, exits 40, "most of a registry's bytes belong to no entry of its log";
    TooLong = 532, exits 1, "something is too long for the registry";
    FileInTheWay = 533, exits 1, "a file is in the way of one that is fetched";
    NotAStore = 534, exits 1, "what answers at the address is no object store";

    // Tracking.
    NoServer = 601, exits 2, "no MLflow server is named";
    UnknownRun = 602, exits 1, "no such run";
    AmbiguousRun = 603, exits 1, "several runs begin so";
    NotAJournal = 604, exits 1, "a file is no journal of a run";
    NewerJournal = 605, exits 1, "a journal of a later format";
    ArtifactName = 606, exits 1, "a name that no artifact can have";
    RunBusy = 607, exits 75, "another process copies the same run";
    ServerAddress = 608, exits 1, "the address is not one of a server";
    Credentials = 609, exits 1, "the credentials of a server cannot be used";
    BadSetting = 610, exits 1, "an environment variable holds something else than it should";
    HttpSetUp = 611, exits 1, "HTTP cannot be set up";
    ServerUnavailable = 612, exits 75, "the server does not answer; try again";
    ServerRefused = 613, exits 1, "the server refused";
    ArtifactBucket = 614, exits 1, "a bucket takes no artifacts";
    NotMlflow = 615, exits 1, "the server is no MLflow server";
    AnswerTooLarge = 616, exits 1, "the answer of a server is too large";
    ExperimentDeleted = 617, exits 1, "the experiment was deleted on the server";

    // Notices.
    NotToldYet = 620, exits 75, "somebody could not be told; try again";
    NotTold = 621, exits 1, "somebody cannot be told";

    // The cache and files.
    FileAccess = 701, exits 1, "a file or folder cannot be read or written";
    CacheEntry = 702, exits 1, "a stage left something the cache cannot keep";
    CacheChanged = 703, exits 1, "a file of the cache is not what a stage wrote";
    TableNotWritten = 704, exits 1, "a table cannot be encoded";
    NoOutput = 705, exits 1, "standard output cannot be written";

    // The lock of a pipeline, and the turn on a project.
    NoLock = 711, exits 2, "there is no lock to keep to";
    LockUnusable = 712, exits 2, "the lock cannot be used";
    LockedStage = 713, exits 2, "a stage is not the one that is locked";
    LockedData = 714, exits 42, "the data are not those that are locked";
    NotReproduced = 715, exits 42, "a stage made other bytes than the lock says";
    ProjectBusy = 716, exits 75, "another command works on the project";

    // Programs as stages.
    ProgramInput = 721, exits 1, "an input of a program is not there, or changed while it ran";
    ProgramNotStarted = 722, exits 1, "a program cannot be started";
    ProgramFailed = 723, exits 1, "a program failed";
    ProgramTimedOut = 724, exits 1, "a program ran too long";
    ProgramOutput = 725, exits 1, "a program did not make what it promised";

    // The machine.
    MemoryBudgetBefore = 801, exits 50, "the work would need more than its memory budget";
    MemoryBudget = 802, exits 50, "the work holds more than its memory budget";
    TimeBudget = 803, exits 50, "training took longer than its time budget";
    Interrupted = 804, exits 130, "the work was interrupted";
    Terminated = 805, exits 143, "the work was terminated";
    Resources = 806, exits 1, "the system refuses threads, signals or its folder";
    Abandoned = 807, exits 1, "work was ended, since something beside it failed";
}
