//! By which words of an error its cause is known, and how sure each of them is. Sources: the messages that the programs
//! themselves document and print.

use pilothouse_domain::triage::Cause::{
    self, Code, DataQuality, Database, Memory, Network, Permission, Quota, SchemaDrift,
};

/// One sign: what it is a sign of, how sure (9: nothing else prints it, 6: it is nearly always that, 3: it often is), and how
/// it looks in a line in lower case.
pub(super) struct Sign(pub Cause, pub f64, pub &'static str);

pub(super) const SIGNS: &[Sign] = &[
    // Databases that refuse for reasons of their own.
    Sign(Database, 9.0, r"deadlock (?:detected|found)|\bdeadlocked\b|1205.*deadlock|ora-00060"),
    Sign(
        Database,
        9.0,
        r"lock (?:wait )?timeout|lock_timeout|could not obtain lock|canceling statement due to lock|ora-00054|lock not available|55p03|database is locked|sqlite_busy",
    ),
    Sign(
        Database,
        9.0,
        r"could not serialize access|serialization failure|40001|transaction (?:was )?aborted|transaction conflict|concurrent (?:append|update|modification)exception|concurrentappend|commit conflict|due to concurrent update",
    ),
    Sign(
        Database,
        9.0,
        r"too many (?:connections|clients)|remaining connection slots|connection limit exceeded for|queuepool limit|pool (?:exhausted|timed? ?out)|timeout.*connection (?:from )?pool|connection is not available, request timed out|max_connections",
    ),
    Sign(
        Database,
        9.0,
        r"database system is (?:starting up|shutting down|in recovery)|terminating connection due to administrator|57p0[123]|server closed the connection unexpectedly|recovery mode",
    ),
    Sign(
        Database,
        9.0,
        r"read-only transaction|cannot execute .* in a read-only|read[- ]only (?:replica|standby|mode|server)|--read-only|super-read-only|hot standby|conflict with recovery|replication lag|not (?:the )?(?:primary|master|leader)|notprimary|notwritableprimary",
    ),
    Sign(
        Database,
        9.0,
        r"invalid page in block|could not read block|index .* (?:is )?corrupt|corrupt(?:ed)? index|unexpected zero page|xx00[12]|is marked as crashed|tablespace .* missing|innodb: .*corrupt|checksum mismatch in (?:page|block)|could not open (?:relation|file \Wbase)|missing chunk number .* for toast",
    ),
    Sign(
        Database,
        8.0,
        r"internal error.*(?:incident|warehouse|query)|error: internal|processing aborted due to error|xx000|backenderror|job exceeded.*internal|an internal error occurred.*(?:bigquery|job)|sqlstate 58|system error.*snowflake",
    ),
    Sign(
        Database,
        7.0,
        r"statement timeout|canceling statement due to (?:statement|user|conflict)|57014|query (?:was )?(?:killed|canceled|cancelled)|statement (?:was )?(?:canceled|cancelled|reached its .* timeout)|max_execution_time|query execution was interrupted|maximum statement execution",
    ),
    Sign(
        Database,
        7.0,
        r"mysql server has gone away|lost connection to (?:mysql|server)|ora-(?:01555|03113|12541|04031|01652)|snapshot too old|wal .*(?:removed|segment)|could not extend file|could not write to file \Wpg_wal|temporary file size exceeds|no partition of relation",
    ),
    Sign(
        Database,
        7.0,
        r"(?:warehouse|cluster) .*(?:suspended|is not running|resizing|paused)|no active warehouse|cluster_block_exception|shard(?:s)? failed|all shards failed|no server available|serverselectiontimeout|no replica set members|loading redis is loading|loading the dataset in memory|misconf redis|clusterdown|readonly you can.t write|table is (?:in )?read[- ]?only|table_is_read_only|too many parts",
    ),
    Sign(
        Database,
        4.0,
        r"psycopg2?\.(?:errors\.)?(?:operationalerror|internalerror)|mysqlerror|sqlstate\[?hy000|operationalerror|databaseerror|sqlexception",
    ),
    // Between machines.
    Sign(
        Network,
        9.0,
        r"name or service not known|could not (?:translate|resolve) (?:host|proxy)|temporary failure in name resolution|getaddrinfo|\benotfound\b|eai_again|no such host|nxdomain|unknownhostexception|nodename nor servname|dns (?:lookup|error|resolution)|could not be resolved|failed to resolve|nameresolutionerror|servfail",
    ),
    Sign(
        Network,
        8.0,
        r"connection refused|econnrefused|actively refused|failed to connect to .* port|couldn.t connect to server|errno 111",
    ),
    Sign(
        Network,
        8.0,
        r"connection (?:was )?reset|econnreset|broken pipe|\bepipe\b|connection (?:was )?aborted|remote end closed|remotedisconnected|socket hang ?up|unexpected eof|connection closed (?:by|unexpectedly|before)|premature (?:end|close)|incompleteread|protocolerror|connection (?:to .* )?(?:was )?lost|transport endpoint|early eof|stream error.*internal_error|\bgoaway\b|rst_stream",
    ),
    Sign(
        Network,
        8.0,
        r"\btls\b|ssl.*(?:error|handshake|certificate|wrong version|alert)|certificate (?:verify failed|has expired|signed by unknown)|x509|handshake (?:failed|failure|timeout)|sslhandshake|pkix|self[- ]signed|unable to get local issuer|cert_has_expired",
    ),
    Sign(
        Network,
        7.0,
        r"no route to host|network (?:is )?unreachable|host (?:is )?(?:unreachable|down)|ehostunreach|enetunreach",
    ),
    Sign(
        Network,
        7.0,
        r"bad gateway|gateway time-?out|\b50[24]\b|service unavailable|\b503\b|upstream (?:connect|timed out|prematurely)|proxyerror|proxy (?:error|connect)|tunnel connection failed|unable to connect to proxy",
    ),
    Sign(
        Network,
        6.0,
        r"(?:connect|connection|read|socket|request|i/o|dial tcp.*) ?time(?:d)? ?-?out|etimedout|esockettimedout|timeout.*(?:connect|awaiting headers|reading from)|connecttimeout|readtimeout|read timed out|sockettimeout|i/o timeout|context deadline exceeded|deadline_exceeded|operation timed out|timed out after|timeoutexception|client\.timeout exceeded|error 28|http2: |dial tcp",
    ),
    Sign(
        Network,
        3.0,
        r"time(?:d)? ?out|unreachable|maxretryerror|max retries exceeded|connectionerror|could not connect",
    ),
    // Memory.
    Sign(
        Memory,
        9.0,
        r"oom-?kill|oomkilled|out of memory|outofmemory|java heap space|gc overhead limit|memoryerror|cannot allocate memory|enomem|bad_alloc|std::bad_alloc|memory allocation of|unable to allocate|heap out of memory|allocation failed.*heap|reached heap limit|metaspace",
    ),
    Sign(
        Memory,
        9.0,
        r"exceeding (?:physical )?memory limits|memory limit (?:\(.*\) |of .* )?(?:exceeded|reached)|exceeded memory limit|beyond the .* memory limit|running beyond physical|memory_limit_exceeded|resources exhausted|failed to allocate additional|exceeded.*per-node memory|exceeded distributed user memory|container killed by yarn|evicted.*memory|low on resource: memory|memory cgroup|cuda out of memory|killed process .* total-vm|insufficient memory|hibernate.*memory|maximum memory|not enough memory|memory budget",
    ),
    Sign(
        Memory,
        8.0,
        r"exit(?:ed)?(?: with)?(?: status)? ?(?:code)?:? ?\(?137|return code 137|returned 137|status 137|\bsignal 9\b|sigkill|exit code:? -?9\b|negsignal\.sigkill|return code -9|terminated by signal: killed|^killed$",
    ),
    // Quotas and limits that somebody has set.
    Sign(
        Quota,
        9.0,
        r"rate ?limit|ratelimit|too many requests|\b429\b|\bthrottl|requestlimitexceeded|slow ?down|tokens per (?:min|day)|requests per (?:min|day|second)|\btpm\b|rpm limit|retry-after",
    ),
    Sign(
        Quota,
        9.0,
        r"quota|resource_exhausted|resourceexhausted|limitexceeded|limit exceeded|exceeded .*(?:limit|allowance)|exceeds? (?:the |your |maximum )?.*(?:limit|allowed)|maximum number of|budget|spending|billing|credits?\b.*(?:exhaust|insufficient|remaining)|insufficient_quota|resource monitor|usage limit|maximumbytesbilled|bytes billed",
    ),
    Sign(
        Quota,
        8.0,
        r"no space left|enospc|disk quota|edquot|disk (?:is )?full|insufficient (?:disk|storage)|not enough (?:disk )?space|storage (?:is )?full|out of disk|disk usage exceeded|flood.stage|ephemeral-storage",
    ),
    Sign(
        Quota,
        7.0,
        r"concurren(?:t|cy).*(?:limit|exceed)|too many concurrent|max(?:imum)? (?:concurrent|number of)|too many open files|\bemfile\b|pids? limit|insufficient (?:cpu|nvidia|pods)|exceeded quota",
    ),
    // Who may.
    Sign(
        Permission,
        9.0,
        r"permission denied|access ?denied|accessdenied|insufficient (?:privileges?|permission|scope|authentication)|not authorized|unauthorized|forbidden: user|authorizationfailed|permission_denied|permissiondenied|eacces|eperm\b|operation not permitted|not allowed to|does not have (?:the )?.*(?:permission|access|privilege|role)|lacks? .*(?:permission|privilege)|must be owner|requires? .*(?:permission|privilege|role)|no basic auth|denied:|ora-01031|row-level security|notallowed|42501",
    ),
    Sign(
        Permission,
        9.0,
        r"authentication failed|password authentication|login failed|access denied for user|invalid (?:api[ _-]?key|credentials?|token|password|username|client|grant|signature)|invalid_grant|invalid_client|incorrect (?:username|api key)|wrongpass|noauth|bad credentials|unauthenticated|not authenticated|expiredtoken|token (?:has |is )?(?:expired|invalid|revoked)|(?:jwt|session|credentials?|key) (?:has |have |is |are )?expired|signaturedoesnotmatch|invalidaccesskeyid|invalidclienttoken|unable to locate credentials|no credentials|could not load.*credentials|authenticationerror|authorizationexception|sasl.*(?:auth|failed)|\bscram\b|no pg_hba|publickey|could not read username|kinit|kerberos|\bgss",
    ),
    Sign(Permission, 7.0, r"\b40[13]\b|http 40[13]|status(?: code)?:? ?40[13]|e40[13]|ora-01017|28p01|28000"),
    // The shape of data has changed.
    Sign(
        SchemaDrift,
        9.0,
        r"column .* does not exist|unknown column|no such column|invalid column name|invalid identifier|unrecognized name|column .* (?:cannot be|not) (?:resolved|found)|cannot resolve .*(?:column|given input)|unresolved_column|undefinedcolumn|missing columns?|no field named|field .* (?:not found|does not exist|is missing|missing)|column.*not.*(?:in|found in) (?:the )?(?:table|schema|index|source|dataframe)|not in index|usecols|42703|ora-00904|there.s no column|columnnotfound|schema error",
    ),
    Sign(
        SchemaDrift,
        9.0,
        r"(?:relation|table|view|object|dataset) \S+(?: \S+)? (?:does not exist|doesn.t exist|not found|or view not found|cannot be found)|no such table|table_or_view_not_found|undefinedtable|42p01|ora-00942|not found: (?:table|dataset)|unknown table|invalid object name|index_not_found",
    ),
    Sign(
        SchemaDrift,
        9.0,
        r"schema (?:mismatch|evolution|drift|changed|being registered|validation|registry|is not compatible|incompatib)|incompatible (?:schema|type|with an earlier)|incompatible.*schema|contract (?:violation|breach|enforc|error|failed)|has an enforced contract|type mismatch|datatype mismatch|data_type_mismatch|parquet column cannot be converted|cannot (?:up ?cast|cast .* to|coerce)|expected type|expected .*(?:int|long|string|double|timestamp|bigint|varchar).*(?:found|got|but)|avrotypeexception|reader_field_missing|unrecognizedproperty|unrecognized field|unknown (?:field|property)|unexpected (?:field|column|property)|extra (?:fields|columns)|additional propert|no default value|breaking change|number of columns|columns? (?:count|were|was) .*(?:differ|mismatch|removed|renamed|added)|column names? .*mismatch|wrong number of fields|is of type .* but expression|deltaanalysis|mergeschema|invalid field schema|provided schema does not match|42804|mapper_parsing|strict_dynamic_mapping|nosuchfield|usemergeschema",
    ),
    Sign(
        SchemaDrift,
        5.0,
        r"keyerror: [\x22'](?:[a-z]+_)*(?:id|at|date|ts|amount|price|total|name|status|email|type|code|key|currency|country|qty|quantity|region|segment|channel)[\x22']",
    ),
    // What is in the data.
    Sign(
        DataQuality,
        9.0,
        r"null value in column|cannot be null|not[- ]null constraint|violates not-null|null (?:result|values?) in (?:a )?non-null|contains null|unexpected nulls?|non-nullable|23502|1048",
    ),
    Sign(
        DataQuality,
        9.0,
        r"duplicate key|duplicate entry|unique (?:constraint|violation)|uniqueviolation|duplicate (?:rows?|records?|values?|primary)|23505|ora-00001|e11000|multiple source rows matched|merge.*matched.*multiple|foreign key constraint|violates (?:foreign|check)|check constraint|23503|23514|checkviolation|integrityerror",
    ),
    Sign(
        DataQuality,
        9.0,
        r"got \d+ results?, configured to fail|failure in test|not_null_|unique_.*fail|accepted_values|expect_[a-z_]+|expectation|validation (?:failed|result).*(?:rows?|success.*false)|data quality|quality (?:check|gate)|dq check|row ?counts?.*(?:differ|mismatch|expected|below|drop|anomal)|expected (?:at least )?\d+ rows|rows? (?:mismatch|rejected|skipped)|bad (?:records?|rows?)|malformed(?: record| csv| json|)|corrupt(?:ed)? (?:record|file|data|zip|parquet|gzip|archive)|_corrupt_record|freshness|\bstale\b|partition .{0,30}(?:is missing|not found|is empty)|missing partition|no (?:data|files|rows) (?:found )?for (?:partition|date|ds)|reconcil.*(?:differ|mismatch|fail)|out of range|outside (?:the )?(?:allowed |expected )?range|negative (?:amount|price|quantity|value)|empty (?:file|partition|result)|zero rows|anomal",
    ),
    Sign(
        DataQuality,
        8.0,
        r"invalid input syntax|invalid (?:text representation|literal for|date|timestamp|number|utf-?8|byte|value)|could not (?:parse|convert string|convert)|cannot parse|unable to parse|parsererror|error tokenizing|unparse?able|bad (?:int|double|timestamp|date) value|unicodedecodeerror|codec can.t decode|invalid (?:start|continuation) byte|invalid byte sequence|incorrect (?:string|datetime|integer|decimal) value|value too long|data (?:too long|truncat)|numeric (?:field overflow|value .* is not)|numeric value|date(?:/time)? field value out of|22p02|22007|22008|22003|22001|overflow|is not a valid|does not match format|doesn.t match format|dateparse|numberformatexception|for input string|conversion failed|invalid_cast|cast_invalid_input|badrecords",
    ),
    Sign(
        DataQuality,
        8.0,
        r"checksum (?:mismatch|error|failed|validation)|crc (?:error|mismatch|32)|md5 mismatch|digest mismatch|invalid gzip|not a gzip|bad magic|magic (?:number|bytes)|is not a parquet file|truncated|\bfooter\b|unexpected end of (?:file|input|stream|zlib)|eoferror|\bzlib\b|badzipfile|invalid header|unterminated quoted|expected \d+ fields|extra data after|jsondecodeerror|unexpected token|invalid json|expecting (?:value|property)|hash mismatch",
    ),
    Sign(
        DataQuality,
        7.0,
        r"data file is gone|no such file or folder|source (?:file|data) .*(?:gone|missing)|nosuchkey|specified key does not exist",
    ),
    // The job itself.
    Sign(
        Code,
        9.0,
        r"nameerror|attributeerror|importerror|modulenotfound|module not found|cannot find module|no module named|indentationerror|unboundlocalerror|syntaxerror|zerodivision|recursionerror|notimplemented|indexerror|referenceerror|nullpointerexception|arrayindexoutofbounds|classcastexception|noclassdef|classnotfound|nosuchmethod|illegalargument|illegalstate|nil pointer|invalid memory address|index out of (?:range|bounds)|panicked at|segmentation fault|sigsegv|core dumped|undefined (?:variable|method|reference|symbol|is not)|is not (?:a function|defined)|cannot read propert|has no attribute|unexpected keyword|positional argument|unsupported operand|not callable|object is not",
    ),
    Sign(
        Code,
        9.0,
        r"syntax error|parse error|parsing error|compile(?:d)? (?:error|fail)|could not compile|error\[e\d+\]|error ts\d+|cannot find symbol|\blint|yaml(?:error|: line)|yamlexception|scannererror|did not find expected|mapping values are not allowed|templat(?:e|ing).*(?:error|undefined)|jinja|'[a-z_]+' is undefined|undefinederror|missing semicolon|expected .*(?:;|`)|cannot find (?:value|function|type)|borrow of moved|ora-00933|42601|parseexception|mismatched input|extraneous input|no viable alternative|unclosed|unbalanced|unmatched|ambiguous|must appear in the group by|aggregate function|not a group by",
    ),
    Sign(
        Code,
        9.0,
        r"tests? (?:suites? )?fail|failed tests?|\b\d+ failed(?:,| in)|assertionerror|assertion (?:failed|.left)|expected .* to (?:be|equal|have)|fail(?:ed)?[: ].*(?:_test|test_|\.spec|\.test)|--- fail:|tests? run:.*failures: [1-9]",
    ),
    Sign(
        Code,
        8.0,
        r"command not found|no such file or directory|enoent|filenotfound|unrecognized (?:arguments?|option)|unknown (?:option|flag|command|argument)|invalid (?:option|flag|argument|configuration|reference)|missing required (?:argument|option|environment|variable)|unsupported argument|is not set|environment variable|exec format error|exit code 127|exit code 2\b|not executable|could not find (?:a version|artifact)|no matching (?:version|distribution)|resolutionimpossible|eresolve|dependency (?:conflict|resolution)|peer dep|unresolved (?:import|reference)|invalid (?:yaml|workflow|template)|duplicate (?:resource|declaration|identifier)|dag .*(?:import|cycle)|cycle detected|circular",
    ),
    Sign(
        Code,
        5.0,
        r"typeerror|valueerror|keyerror|runtimeerror|uncaught|unhandled|nullreference|exception in thread|typemismatch",
    ),
    Sign(Code, 5.0, r"compilation (?:error|failed)|build fail"),
    Sign(
        Code,
        9.0,
        r"error in your sql syntax|undeclared|has not been declared|nil map|^panic: |: not found$|exit code:? 127",
    ),
    Sign(Permission, 6.0, r"\bforbidden\b"),
    Sign(Database, 9.5, r"readonly mode|_read_only\b"),
    Sign(Network, 8.0, r"unable to verify|unable_to_verify|leaf_signature|<(?:h1|title)>50[0-9]"),
    Sign(Network, 5.0, r"fetch failure|fetchfailed"),
    Sign(Memory, 8.0, r"signal: killed|killed by external signal|oom_score"),
    Sign(SchemaDrift, 7.0, r"columns\.get_loc\(|indexer = self\.columns"),
    Sign(
        DataQuality,
        8.0,
        r"sensor ?(?:has )?timed? ?out|sensortimeout|checkfailed|blocking check|element-wise validator|failure cases",
    ),
];
