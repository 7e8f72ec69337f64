"""mistakes.py — small mistakes, each in a place where it would cost mail, and who
should notice it: the cheapest first.

A witness is a unit test ("test_deliver"), a scenario ("test_undo:Undo"), a scene
that is played once and then killed before each effect ("download"), or a scene in
another sweep ("eio:download").  No mistake may leave the program as good as it was.
"""
from collections import namedtuple

# ${old} stands in the file exactly once.
Edit = namedtuple("Edit", "file old new")
Mistake = namedtuple("Mistake", "edits who")


def one(file, old, new, *who):
    return Mistake([Edit("sync/" + file, old, new)], who)


def dropped(file, old, *who):
    return one(file, old, "", *who)


def daemon(file, old, new, *who):
    return Mistake([Edit("daemon/" + file, old, new)], who)


CANDIDATE = "engine/candidate.c"
INTENT, LANDING = "engine/recover_intent.c", "engine/recover_landing.c"
LAND, DELIVER, AT = "engine/land.c", "maildir/deliver.c", "maildir/at.c"

# The controls of crash.py.
MISTAKES = {
    "no-intent": Mistake([
        Edit("sync/" + INTENT, "\tif (in->found.v == 0 && in->stage == ST_APPENDING)\n",
             "\tif (in->stage == ST_APPENDING)\n"),
        Edit("sync/engine/candidate.c", "KNOWN_NOT && c->local == SIDE_PRESENT &&",
             "KNOWN_NOT && c->local == SIDE_GONE &&")], ("upload",)),
    "early-row": one(LAND, "\t\t.stage = ST_LANDING,", "\t\t.stage = ST_PRESENT,", "download"),
    "write-unchecked": one(DELIVER, "\t\tif (done < 0)\n\t\t\treturn -1;\n\t\tp += done;",
                           "\t\tif (done < 0)\n\t\t\treturn 0;\n\t\tp += done;", "eio:download"),
    "short-write": one(DELIVER, "\t\tp += done;\n\t\tn -= (size_t)done;",
                       "\t\tp += done;\n\t\tn = 0;", "short:download"),
    "oom-unchecked": one("base/mem.c", "\tvoid *p = malloc(n > 0 ? n : 1);\n\n\tif (p == NULL)",
                         "\tvoid *p = malloc(n > 0 ? n : 1);\n\n\tif (p == NULL && n == 0)",
                         "oom:download"),
    "statement-unchecked": one("store/db.c", "\tdefault:\n\t\tdb_error(s, err);\n\t\t"
                               "sqlite3_reset(st);\n\t\treturn -1;", "\tdefault:\n\t\tdb_error(s, "
                               "err);\n\t\tsqlite3_reset(st);\n\t\treturn 0;",
                               "statement:upload"),
    "no-fsync-file": one(DELIVER, "\t\trc = fsync(fd);", "\t\trc = fd < 0;", "test_order:Order"),
    "fsync-unheard": one(DELIVER, "\t\trc = fsync(fd);", "\t\trc = fsync(fd) > 0;", "test_order:Order"),
    "no-fsync-dir": one(AT, "\trc = fsync(fd);", "\trc = 0;", "test_order:Order"),
    "no-sync-commit": one("store/open.c", "PRAGMA synchronous = FULL", "PRAGMA synchronous = OFF",
                          "test_order:Order"),
}

# What the server says is believed, or not.
GATHER, GUARD = "engine/gather.c", "engine/guard.c"
MISTAKES |= {
    "equation": one(GATHER, "f->work.n_fresh == (uint64_t)exists + vanished)",
                    "f->work.n_fresh != (uint64_t)exists + vanished)",
                    "download", "deleted, for good", "test_peer:Lying"),
    "went-back": one(GATHER, "box->modseq.v < f->modseq.v", "box->modseq.v > f->modseq.v",
                     "flags", "test_drills:Server.test_highestmodseq_goes_back_and"),
    "uidnext-went-back": dropped(GATHER, " ||\n\t    (box->uidnext != 0 && box->uidnext < "
                                 "f->uidnext)", "test_drills:ServerWithoutModseqs.test_a_backup"),
    "validity-unread": one(GATHER, "(box->validity.v != f->validity.v || went_back(f, box))) {",
                           "went_back(f, box)) {", "new UIDVALIDITY"),
    "keeps-uids": dropped(GATHER, "\t\trow.uid.v = 0;\n", "test_drills:Server.test_uids_are_dealt_anew"),
    "search-lies": one(GATHER, "(uidset_count(found) < imap_box(acc->work)->exists)",
                       "(false)", "test_drills:ServerWithoutVanished.test_search_finds"),
    "fewer-than-exist": one(GATHER, "complete && acc->remote->n_msg < box->exists &&",
                            "complete && acc->remote->n_msg > box->exists &&",
                            "test_drills:ServerWithoutModseqs.test_one"),
    "no-guard": one(GUARD, "bool many = (int64_t)n > acc->conf->guards.max_delete_count;",
                    "bool many = (int64_t)n < acc->conf->guards.max_delete_count;",
                    "held by a guard"),
    "guard-any-directory": one(GUARD, "if (which == 0 || which == f->dirs)", "if (which != f->dirs)",
                               "test_absence:made_anew"),
    "guard-percent": one(GUARD, "(int64_t)n * 100 >\n", "(int64_t)n * 100 <\n",
                         "held by a guard"),
    "guard-one-side": one(GUARD, "(OP_DELETE_REMOTE | OP_DELETE_LOCAL)) != 0",
                          "OP_DELETE_REMOTE) != 0", "test_absence:at_once_is_held"),
    "guard-forgets": dropped(GUARD, "\tf->modseq.v = 0;\n",
                             "test_absence:a_held_deletion_here_is_rejected"),
    "guard-renumbered": one(GUARD, "uidvalidity_change != HOLD_HOLD ||",
                            "uidvalidity_change == HOLD_HOLD ||", "test_rematch:Held"),
    "marker-ignored": one("engine/account.c", "if (!marked && known != NULL &&\n",
                          "if (marked && known != NULL &&\n", "test_drills:not_mounted"),
    "marker-of-another": one("engine/account.c", "strcmp(known, id) != 0)",
                             "strcmp(known, id) > 0 && !marked)",
                             "test_drills:another_accounts_tree"),
    "failed-but-counted": one("engine/record.c", "\tif (w->failed) {\n\t\tfolder_mark(f, "
                              "DIRTY_REMOTE);\n\t\treturn 0;",
                              "\tif (w->failed) {\n\t\tfolder_mark(f, DIRTY_REMOTE);",
                              "test_peer:Refusing", "test_absence"),
}

# What becomes of it.
FLAG, DIFF, MOVE = "engine/flag.c", "engine/diff.c", "engine/move.c"
UPLOAD, REMOVE, UNDO = "engine/upload.c", "engine/remove.c", "engine/undo.c"
MISTAKES |= {
    "found-again": one(FLAG, "return row->uid.v != c->uid.v ||", "return row->uid.v == c->uid.v ||",
                       "new UIDVALIDITY"),
    "flags-refused-but-agreed": one(FLAG, "if (!group_for(g, c->out.add, c->out.del)->ok) {",
                                    "if (false) {", "test_peer:Refusing"),
    "nameless-bits": one("engine/account.c", "f->kw.n > f->kw_stored &&",
                         "f->kw.n < f->kw_stored &&", "test_changes:keyword"),
    "policy-negated": one(DIFF, "\tif (!(policy->pull & POLICY_DELETE))\n",
                          "\tif (policy->pull & POLICY_DELETE)\n", "test_diff"),
    "merge-swapped": one(DIFF, "\tout.add = flags_minus(flags_minus(there, remote),",
                         "\tout.add = flags_minus(flags_minus(remote, there),", "test_diff"),
    "merge-forgets-removal": one(DIFF, "return base ^ ((remote ^ base) | (local ^ base));",
                                 "return base | ((remote ^ base) | (local ^ base));", "test_diff"),
    "replaced-is-deleted": one(DIFF, "\tif (in->local == SIDE_GONE)\n\t\treturn gone_local(",
                               "\tif (in->local != SIDE_PRESENT)\n\t\treturn gone_local(",
                               "test_diff"),
    "blind-is-removed": one(DIFF, "(f.kw & ~blind.kw) | (base.kw & blind.kw)",
                            "(f.kw & ~blind.kw)", "test_diff"),
    "move-forgets-folder": dropped(MOVE, "\trow.folder = t->to->id;\n", "moved"),
    "copy-deletes": one(MOVE, "if (a.status == DONE_OK && !copy && !move)",
                        "if (a.status == DONE_OK && !move)", "copied"),
    "wrong-twin-moves": one(MOVE, "a->src[i] == uid.v)", "a->src[i] <= uid.v)", "moved",
                            "test_changes:move"),
    "source-forgotten": one(MOVE, "if (uid != 0 && r == 0 && stay)",
                            "if (uid != 0 && r == 0 && !stay)",
                            "test_broken_off:could_not_take_out"),
    "copies-in-one": one(MOVE, "same_route(&ts.v[i], &ts.v[k]) &&\n"
                         "\t\t    ts.v[k].uid.v != ts.v[k - 1].uid.v;)",
                         "same_route(&ts.v[i], &ts.v[k]);)", "copied twice"),
    "one-uid-for-all": one(UPLOAD, "\t\t\tu[i].at = i;\n", "\t\t\tu[i].at = 0;\n", "upload"),
    "old-version-kept": one("engine/upload_row.c", "OP_KEEP_REMOTE ? ST_GONE_LOCAL : ST_REPLACED;",
                            "OP_KEEP_REMOTE ? ST_REPLACED : ST_GONE_LOCAL;",
                            "draft saved again"),
    "append-limit": one(UPLOAD, "limit != 0 && u->up.wire_size > limit;",
                        "limit == 0 && u->up.wire_size > limit;", "upload"),
    "digest-of-header": one("engine/pair_files.c",
                            "\treturn hash_eq(&row.all, &u->content->id.all);",
                            "\treturn hash_eq(&row.head, &u->content->id.head);",
                            "test_peer:Alike.test_a_name_is_no_proof"),
    "no-undo": one(REMOVE, "RDEL_UNLINK ? 0 :", "RDEL_UNLINK || true ? 0 :", "test_undo:Undo"),
    "tombstone-kept": one(REMOVE, "\t\tif (row.when >= before) {", "\t\tif (row.when < before) {",
                          "deleted, for good"),
    "expunge-believed": one(REMOVE, "\tif (left.n > 0)\n\t\tremote_try_again(acc, f);",
                            "\tuidset_clear(&left);\n\tuidset_init(&left);",
                            "test_peer:Meanwhile", "test_peer:Lying"),
    "marked-is-gone": one(REMOVE, "if (how != FLAG_ONLY && !(how == TO_TRASH && only_marked(acc)))",
                          "if (how != TO_TRASH || !only_marked(acc))", "deleted, no UIDPLUS"),
    "others-mail-goes-along": one(REMOVE, "if (row->uid.v != 0 || row->stage == ST_TOMBSTONE)",
                                  "if (row->uid.v == 0 || row->stage != ST_PRESENT)",
                                  "folder removed"),
    "folder-takes-more": dropped(REMOVE, " ||\n\t    s->uidnext != f->uidnext",
                                 "test_edges:folder_deleted_here_survives"),
    "undo-young": one(UNDO, "if (list.v[i].when >= oldest && bytes",
                      "if (list.v[i].when >= oldest || bytes", "test_undo"),
    "undo-newest-goes": one(UNDO, "return x->when < y->when ? -1 : 1;",
                            "return x->when < y->when ? 1 : -1;", "test_undo"),
    "undo-copy-lost": one(UNDO, "\tif (r == 0)\n\t\t(void)unlinkat(undo_fd, file, 0);",
                          "\t(void)unlinkat(undo_fd, file, 0);", "test_undo"),
    "undo-loses-flags": one(UNDO, "(long long)row->id, info != NULL ? info : \"\");",
                            "(long long)row->id, \"\");", "test_undo"),
}

# After a kill.
MISTAKES |= {
    "source-stays": one(INTENT, "(in->found.v != 0 && doubt_source(",
                       "(in->found.v == 0 && doubt_source(", "moved, no MOVE"),
    "seek-any-size": one(INTENT, "\t\t    !hash_eq(&in[i].head, &id.head) ||\n", "",
                        "test_peer:Alike.test_a_message_of_the_same_size"),
    "known-is-found": one(INTENT, "\t\tif (got == 0)\n\t\t\tin[i].found = m->uid;",
                         "\t\tin[i].found = m->uid;", "test_peer:Alike.test_the_first_of_two"),
    "landing-not-asked": dropped(LANDING, "\t\thome->modseq.v = 0;\n\t\thome->uidnext = 0;\n",
                                 "test_edges:file_is_nowhere"),
    "landing-of-any": one(LANDING, "\t\t    str_eq(name.unique, unique);",
                          "\t\t    !str_eq(name.unique, unique);", "test_edges:file_is_nowhere"),
    "old-version-forgotten": one("engine/recover_older.c",
                                 "r = how == EXPUNGED ? store_msg_remove(",
                                 "r = how != EXPUNGED ? store_msg_remove(",
                                 "draft saved again, no UIDPLUS"),
    "tmp-of-the-living": one(DELIVER, "&by, &n) == 3 && n > 0 && by == pid;",
                             "&by, &n) == 3 && n > 0 && by != pid;", "test_deliver", "download"),
}

# Mail lands.
TOGETHER = "engine/together.c"
MISTAKES |= {
    "rename-replaces": one(AT, "to_fd, to, RENAME_NOREPLACE);", "to_fd, to, 0);", "test_deliver"),
    "no-truncation-check": one(DELIVER, "\tif (d->eol == EOL_LF && d->prev == '\\r' &&",
                               "\tif (d->eol != EOL_LF && d->prev == '\\r' &&", "test_deliver"),
    "verbatim-loses-cr": one(DELIVER, "return d->prev == '\\r' ? add_raw(d, STR(\"\\r\"), err) : 0;",
                             "return 0;", "test_deliver"),
    "link-any-date": dropped(DELIVER, "\t    b.st_mtim.tv_sec == date &&\n", "test_deliver",
                             "test_dedupe:Linking"),
    "link-any-bytes": one(DELIVER, "memcmp(x, y, (size_t)n) != 0)", "n == 0)", "test_deliver",
                          "test_dedupe:Linking"),
    "link-drafts": one("engine/dedupe.c", "f == home || is_written_to(f, row->flags) ||",
                       "f == home ||", "test_dedupe"),
    "bodies-not-synced": one(LAND, "\tr = sync_bodies(a, n, err);", "\tr = 0;",
                             "test_order:Order"),
    "dirs-not-synced": one(LAND, "\t\tif (sync_places(a[i], err) < 0)", "\t\tif (false)",
                           "test_order:Order"),
    "tmp-not-synced": one(LAND,
                          "\t\tif (deliver_left(a[i]->f->fd, total, err) < 0)", "\t\tif (false)",
                          "test_order:Order"),
    "tmp-not-looked-at": one("engine/account.c", "noted != NULL ? atoi(noted)",
                             "noted != NULL && noted[0] != '-' ? atoi(noted)",
                             "test_account"),
    "boot-noted-first": one("engine/account.c",
                            "find_dead(acc, err) < 0 ||\n\t    boot_note(acc, err) < 0 ||",
                            "boot_note(acc, err) < 0 ||\n\t    find_dead(acc, err) < 0 ||",
                            "test_account"),
    "names-not-synced": one("engine/account.c", "if (dirsync_all(acc, err) < 0 || save_keywords(",
                            "if (save_keywords(", "test_order:Order"),
    "saved-not-synced": one("engine/upload.c", "\tif (r == 0)\n\t\tr = sync_batch(us, b, err);", "",
                            "test_order:Order"),
    "placed-first": one(LAND, "commit_landing(a, n, err) < 0 || place_all(a, n, err) < 0 ||",
                        "place_all(a, n, err) < 0 || commit_landing(a, n, err) < 0 ||",
                        "test_order:Order"),
    "alone-again": dropped(TOGETHER, " && !f->alone",
                           "test_badinput:a_folder_that_goes_on_taking_no_mail_is_named"),
    "together-dedupe": one(TOGETHER, "dedupe == DEDUPE_NO", "dedupe != DEDUPE_NO",
                           "test_dedupe:Linking"),
}

# Which is which.
RENAMED, LIKE, IDENTIFY = "engine/renamed.c", "engine/like.c", "engine/identify.c"
MISTAKES |= {
    "renamed-any-next": one(RENAMED, "(s->have & STATUS_UIDNEXT) && s->uidnext == next &&",
                            "(s->have & STATUS_UIDNEXT) &&", "test_peer:Renamed"),
    "renamed-other-id": one(RENAMED, "return strcmp(f->objid, now->objid) == 0;",
                            "return strcmp(f->objid, now->objid) != 0;",
                            "test_peer:RenamedById"),
    "renamed-first-of-two": one(RENAMED, "\t\t\t*hit = NULL;\t/* two candidates are none */\n"
                                "\t\t\treturn 0;", "\t\t\treturn 0;", "test_peer:Renamed"),
    "renamed-few-files": one(RENAMED, "n > 0 && hits * 2 > n;", "n > 0 && hits * 2 < n;",
                             "folder renamed"),
    "renamed-empty-twin": one(RENAMED, "if (known.messages == 0 && fits(o, &known, now))",
                              "if (known.messages != 0 && fits(o, &known, now))",
                              "test_peer:Renamed"),
    "renamed-not-empty": one(RENAMED, "\t\tif (rows > 0)\n", "\t\tif (rows == 0)\n",
                             "test_edges:an_empty_folder_that_is_renamed_here"),
    "like-one-msgid": one(LIKE, "return run->n_a == 1 && run->n_b == 1;",
                          "return run->n_a == 1 || run->n_b == 1;", "test_like"),
    "like-head-is-all": one(LIKE, "run->n_a <= run->n_b && all_the_same(run) &&",
                            "run->n_a <= run->n_b &&", "test_like"),
    "like-drafts": one(LIKE, "return draft && dates;", "return false;", "test_like"),
    "like-dates": one(LIKE, "\twhile (next_runs(&left, &same, cmp_date))",
                      "\twhile (next_runs(&left, &same, cmp_size))", "test_like"),
    "like-taken": one(LIKE, "if (m->mate != NULL || (by", "if ((by", "test_like"),
    "body-by-header": one(IDENTIFY, "\t\tp->like.key = id->all;\n",
                          "\t\tp->like.key = id->head;\n", "test_rematch:Twins"),
    "bound-is-new": one(IDENTIFY, "\tf->work.n_fresh = k;", "\t(void)k;", "new UIDVALIDITY"),
    "bound-is-unknown": one(IDENTIFY, "if (c->msg != 0 || c->was != 0)", "if (c->was != 0)",
                            "new UIDVALIDITY"),
    "key-swapped": one(CANDIDATE, "by == LIKE_HEAD ? c->head : c->all;",
                       "by == LIKE_HEAD ? c->all : c->head;", "test_rematch:Twins"),
    "lines-twice": one("engine/manifest.c", "if (!take_orphan(m, row)) {",
                       "if (!take_orphan(m, row) || true) {",
                       "test_backup:a_lost_database_doubles_no_line"),
    "chain-broken": one("engine/manifest.c", "b->n - at - 1 }, &m->end.head);",
                        "b->n - at }, &m->end.head);",
                        "test_backup:Proving.test_each_message_is_listed_once"),
    "torn-line-stays": one("engine/manifest.c", "if (torn && whole >= from) {",
                           "if (torn && whole < from) {", "test_backup:being_written"),
}

# POP3: what was fetched is deleted there, and nothing else.
DRAIN, DELE = "engine/drain.c", "engine/drain_dele.c"
DROP, POP = "engine/maildrop.c", "pop3/parse.c"
MISTAKES |= {
    "dele-before-landing": one(DELE, "return msg->landed.row != 0 && keep == 0;",
                               "return keep == 0;", "test_poppeer:Emptied"),
    "dele-refused-mail": one(DELE, "(msg->row->stage != ST_REFUSED || said == KEEP_NO) &&\n\t    ",
                             "", "test_poppeer:Emptied", "test_poppeer:KeptForAWhile"),
    "dele-too-early": one(DELE, "msg->row->since + keep <= d->m.now;",
                          "msg->row->since <= d->m.now;", "test_poppeer:KeptForAWhile",
                          "test_pop3"),
    "dele-believed": one(DELE, "d->wanted[at]->deleted = ev.done.status == DONE_OK;",
                         "d->wanted[at]->deleted = true;", "test_poppeer:no_uidl_and_dele_is_refused"),
    "quit-believed": one(DELE, "if (ev.done.status != DONE_OK && d->n_deleted > 0) {",
                         "if (false) {", "test_poppeer:quit_is_refused"),
    "nameless-twice": one(DRAIN, "maildrop_by_content(&d->m, msg, &a->landing.id.all) != NULL)",
                          "maildrop_by_content(&d->m, msg, &a->landing.id.all) == NULL)",
                          "test_poppeer:no_uidl"),
    "ids-changed": one(DROP, "vanished * 2 > known && fresh * 2 > m->n;",
                       "vanished * 2 > known && fresh * 2 < m->n;",
                       "test_poppeer:all_ids_change"),
    "ids-changed-no-top": one(DROP, "\tif (d->row == NULL)\n\t\tm->held = true;", "",
                              "test_poppeer:all_ids_change_and_there_is_no_top"),
    "came-back": one(DROP, "(!exact || row->gone == 0)) {", "true) {",
                     "test_poppeer:an_id_that_is_given_away"),
    "twin-ids": one(DROP, "\t\t\tr = cmp_size(row->size, d->size);", "\t\t\tr = 0;",
                    "test_poppeer:ids_come_twice", "test_poppeer:sizes_change"),
    "pop3-bare-end": one(POP, "\t\tif (bare)\n\t\t\treturn n;", "\t\tif (bare)\n\t\t\treturn 0;",
                         "test_pop3_parse"),
    "pop3-any-dot": one(POP, "if (crlf && (p == end || *p == '.')) {",
                        "if (p == end || *p == '.') {", "test_pop3_parse"),
    "pop3-any-lf": one(POP, "r->lines = r->lf_status ? LINES_ANY : LINES_CRLF;",
                       "r->lines = LINES_ANY;", "test_pop3_parse"),
    "pop3-endless": one(POP, "\tif (r->n > r->max_message)", "\tif (r->n < r->max_message && false)",
                        "test_pop3_parse"),
}

# Bytes, names and numbers.
COLLECT, FETCH, SEND = "imap/collect.c", "imap/fetch.c", "imap/send.c"
KEYWORDS, NAME, UTF7 = "maildir/keywords.c", "maildir/name.c", "imap/mutf7.c"
MISTAKES |= {
    "literal-short": one(COLLECT, "\tc->left = size;", "\tc->left = size > 1 ? size - 1 : size;",
                         "test_parse"),
    "literal-end-unchecked": one(COLLECT, 'memchr(" )]\\r\\n", next, 5) == NULL)', "next == 0)",
                                 "test_parse"),
    "literal-uncapped": one(COLLECT, "body || dropped ? c->max_body :",
                            "body || dropped ? UINT64_MAX :", "test_parse", "test_hostile"),
    "flood-before-login": one(COLLECT, "\tif (c->trusted)\n\t\treturn in;", "\tif (in.n > 0)\n"
                              "\t\treturn in;", "test_parse", "test_imap_open", "test_hostile"),
    "two-uids": one(FETCH, "return f->msg.uid.v == uid;", "return true;", "test_parse"),
    "flags-half-read": one(FETCH, "if (n == FLAGS_MAX || !lex_astring(lx, &flag))\n"
                           "\t\t\treturn false;", "if (n == FLAGS_MAX || !lex_astring(lx, &flag))\n"
                           "\t\t\tbreak;", "test_parse"),
    "escape-kept": one("imap/lex.c", 'is_one_of(lx->line.p[i + 1], "\\"\\\\");',
                       'is_one_of(lx->line.p[i + 1], "\\"");', "test_parse"),
    "quote-left-out": one(SEND, "s.p[i] == '\"' || s.p[i] == '\\\\' ?", "s.p[i] == '\"' ?",
                          "test_imap_lane"),
    "line-in-a-name": one(SEND, "if (c < ' ' || c == 0x7f", "if (c < '\\n' || c == 0x7f",
                          "test_imap_lane"),
    "literal-minus": one(SEND, "(can(il, CAP_LITERAL_MINUS) && size <= MINUS_MAX)",
                         "can(il, CAP_LITERAL_MINUS)", "test_imap_lane"),
    "file-grew": one(SEND, "if (got == 0 || n > stop->size - c->file_at)", "if (got == 0)",
                     "test_imap_lane"),
    "file-end-unchecked": one(SEND, "\tif (got > 0)\n\t\treturn changed(err);", "",
                              "test_imap_lane"),
    "half-a-command": one(SEND, "(!has_left(il, c) && (cond == COND_OK || c->n_stops == 0))",
                          "false", "test_imap_lane"),
    "validity-may-change": one("imap/box.c", "il->box_phase == BOX_OPEN && before != validity)",
                               "il->box_phase == BOX_NONE && before != validity)",
                               "test_imap_lane"),
    "earlier-is-now": one("imap/box.c", "ev->kind == EV_GONE && !ev->gone.earlier)",
                          "ev->kind == EV_GONE)", "test_imap_lane"),
    "utf7-del": one(UTF7, "if (c >= 0x20 && c < 0x7f) {", "if (c >= 0x20 && c <= 0x7f) {",
                    "test_mutf7"),
    "utf7-two-names": one(UTF7, " == 0 &&\n\t    str_eq(buf_str(&again), name))", " == 0)",
                          "test_mutf7"),
    "utf7-surrogates": one(UTF7, "0x10000 + ((high - 0xd800) << 10)",
                           "((high - 0xd800) << 10)", "test_mutf7"),
    "uidset-first": one("base/uidset.c", "return i < s->n && s->r[i].lo <= uid.v;",
                        "return i < s->n && s->r[i].lo < uid.v;", "test_uidset"),
    "uidset-unsorted": one("base/uidset.c", "\t\tif (s->r[last].hi > hi)\n\t\t\thi = s->r[last].hi;",
                           "", "test_uidset"),
    "uidset-unsettled": one("base/uidset.c", "size_t n = s->n + s->n_late;", "size_t n = s->n;",
                            "test_uidset"),
    "number-wraps": one("base/num.c", "__builtin_mul_overflow(v, 10u, &v) ||",
                        "__builtin_mul_overflow(v, 10u, &v) > 1 ||", "test_str", "test_parse"),
    "mixed-line-ends": one("base/eol.c", "if (class == EOL_LF || before != '\\r')",
                           "if (class != EOL_VERBATIM)", "test_eol"),
    "eol-portions": dropped("base/eol.c", "\tif (cr && *p != '\\n')\n\t\ts->bare_cr = true;\n",
                            "test_eol"),
    "hash-portions": one("base/hash.c", "\t\t\tif (*p != '\\n')\n\t\t\t\tdigest(h, \"\\r\", 1);",
                         "\t\t\tif (*p == '\\n')\n\t\t\t\tdigest(h, \"\\r\", 1);", "test_hash"),
    "map-finds-dead": one("base/map.c", "\tslot->dead = true;\n\tm->n--;", "\tm->n--;",
                          "test_map"),
    "flags-unsorted": one("base/flags.c", "\t\t\tout[n++] = sysflags[k].letter;",
                          "\t\t\tout[n] = sysflags[k].letter;", "test_flags"),
    "letter-z": one(KEYWORDS, "c >= 'a' && c <= 'z' ? k->name[c - 'a'] : NULL;",
                    "c >= 'a' && c < 'z' ? k->name[c - 'a'] : NULL;", "test_keywords"),
    "letter-taken": one(KEYWORDS, "k->name[i] == NULL && (k->nameless >> i & 1) == 0)",
                        "k->name[i] == NULL)", "test_keywords"),
    "letter-twice": one(KEYWORDS, "\t\tif (disk->name[i] != NULL)\n\t\t\tslot = find_free(disk);",
                        "", "test_keywords"),
    "letter-lost": dropped(KEYWORDS, "\tdisk->nameless = ours->nameless;\n", "test_keywords"),
    "name-rest-lost": one(NAME, "out->rest = str_from(flags, end);", "out->rest = STR_NONE;",
                          "test_name"),
    "name-unique-long": one(NAME, "str_head(file, comma < colon ? comma : colon);",
                            "str_head(file, comma);", "test_name"),
    "name-too-long": one(NAME, "len > NAME_MAX ||", "len > MNAME_MAX ||", "test_name"),
    "watch-overflow": one("maildir/watch.c", "\t\twatch_scan_all(w);\n\t\tw->last = clock_now();\n"
                          "\t\treturn;", "\t\tw->last = clock_now();\n\t\treturn;", "test_watch"),
    "rows-of-a-page": one("store/db.c", 'AND uid > ?2 ORDER BY uid" PAGE',
                          'AND uid > ?2 + 1 ORDER BY uid" PAGE', "test_store"),
    "row-without-seek": one("store/db.c", '"date = ?17, objid = ?18, dest = ?19, seek = ?20, ',
                            '"date = ?17, objid = ?18, dest = ?19, ', "test_store", "upload"),
    "stage-unread": one("store/db.c", 'WHERE stage <> 0 AND (?1 >> stage) & 1 "',
                        'WHERE stage > 1 AND (?1 >> stage) & 1 "', "test_store",
                        "download"),
}

# On the line.
MISTAKES |= {
    "pins-ignored": one("net/tls.c", "\t\tif (strcmp(conf->pins[i], pin) == 0)",
                        "\t\tif (strcmp(conf->pins[i], pin) != 0)", "test_tls"),
    "any-host": one("net/tls.c", "ok = SSL_set1_host(ssl, host) &&\n\t\t    ", "ok = ",
                    "test_tls"),
    "deflate-of-nothing": dropped("net/deflate.c", "\tif (d->idle > IDLE_MAX)\n\t\treturn err_set("
                                  "err, ERR_PROTO, \"net.deflate\",\n\t\t    \"the peer sends "
                                  "compressed data that is nothing\");\n", "test_stream"),
    "deflate-too-early": one("net/stream.c", "\tif (stream_pending(st) > 0)\n\t\treturn err_set("
                             "err, ERR_PROTO, \"net.deflate\"",
                             "\tif (false)\n\t\treturn err_set(err, ERR_PROTO, \"net.deflate\"",
                             "test_stream"),
    "deflate-loses-rest": one("net/stream.c", "\tmust(buf_add_str(&st->raw, rest) == 0);\n", "",
                              "test_stream"),
    "few-iterations": one("net/scram.c", "\t\tif (str_starts(part, STR(\"i=\")) &&",
                          "\t\tif (false &&", "test_sasl"),
}

# Beside the mail: other accounts, services, patience.
LETTERS, SEARCH = "engine/letters.c", "engine/search.c"
MISTAKES |= {
    "across-any-tree": daemon("across.c", "a->root < 0 || faccessat(a->root, ACCOUNT_MARKER, F_OK, 0) < 0",
                              "a->root < 0", "test_script_across:not_mounted"),
    "across-forgets": daemon("across.c", "a->arg[ARG_AGAIN][0] != '\\0' &&",
                             "a->arg[ARG_AGAIN][0] == '\\0' &&", "test_script_across:done_again"),
    "across-any-file": daemon("across.c", "str_eq(name.unique, str_z(a->base));",
                              "!str_eq(name.unique, str_z(a->base));",
                              "test_script_across:moved_and_copied"),
    "across-policy": daemon("across.c", "(policy.push & POLICY_NEW) == 0",
                            "(policy.push & POLICY_NEW) != 0",
                            "test_script_across:moved_and_copied"),
    "across-bytes-not-synced": daemon("across.c", "if (deliver_sync(&a->landing, 1, err) < 0 ||",
                                      "if (", "test_script_across:on_the_disk"),
    "across-name-not-synced": daemon("across.c", "err) < 0 ? -1 : mdir_sync(a->fd, err);",
                                     "err) < 0 ? -1 : 0;", "test_script_across:on_the_disk"),
    "relay-says-on": daemon("relay.c", "\tif (r->half)\n", "\tif (!r->half)\n",
                            "test_script_connect"),
    "relay-broken-is-over": daemon("relay.c", "errno == EINTR ? 1 : -1;\n\tfor", "errno == EINTR ? 1 : 0;\n\tfor",
                                   "test_script_connect"),
    "relay-any-port": daemon("relay.c", "colon + 1), 1, UINT16_MAX, port))",
                             "colon + 1), 0, UINT32_MAX, port))", "test_script_connect"),
    "retry-locked": daemon("retry.c", "wait > USEC_S(LOCKED_S) ? wait", "wait < USEC_S(LOCKED_S) ? wait",
                           "test_retry"),
    "retry-brisk": daemon("retry.c", "spread(failures < BRISK ?", "spread(failures > BRISK ?",
                          "test_retry"),
    "retry-in-step": daemon("retry.c", "clock_wall() * 7919 %", "clock_wall() * 0 %", "test_retry"),
    "retry-other-code": daemon("retry.c", 'strncmp(code, "net.", 4) != 0', 'strncmp(code, "net.", 4) == 0',
                               "test_retry"),
    "letters-untranslated": dropped(LETTERS, "\tflags.kw = kwtab_translate(flags.kw, &from->kw, &to->kw);\n",
                                    "moved, keywords", "moved, keywords, no UIDPLUS"),
    "letters-of-the-intent": one(MOVE, "was.letters, now.rest, c->in_new) == 0)",
                                 "now.letters, now.rest, c->in_new) == 0)",
                                 "test_broken_off:had_not_moved_it"),
    "letters-stay": one("engine/pair.c", "\t\tr = pair_letters(acc, f[i], err);\n",
                        "\t\tr = 0;\n", "moved, deleted there, keywords"),
    "older-unknown": one("engine/recover.c", "\t\t\tnewer->older = o->replaced[i].row;",
                         "\t\t\tnewer->older = 0;", "test_broken_off:until_the_new_one_is"),
    "moved-row-forgotten": one("engine/identify.c", "\tif (c->change->was != 0 &&\n",
                               "\tif (c->change->was < 0 &&\n", "test_crash:what_both_sides_moved"),
    "moved-row-not-waiting": one("engine/pair.c", "if (f[i]->skip || waits)",
                                 "if (false)", "test_crash:cannot_be_read_waits"),
    "moved-elsewhere-not-waiting": one("engine/pair.c", "if (f[i]->skip || waits)",
                                       "if (f[i]->skip)", "test_crash:waits_for_any"),
    "gone-into-the-dark": one("engine/pair.c", "i < n && blind; i++)",
                              "i < n && false; i++)",
                              "test_crash:may_not_be_used_now"),
    "stays-behind-fetched": one("engine/follow.c", "if (c != NULL && c->waits)", "if (false)",
                                "test_crash:may_not_be_used_now"),
    "search-elsewhere": one(SEARCH, "if (pattern_glob(w->mailbox[i], str_z(f->name)))",
                            "if (!pattern_glob(w->mailbox[i], str_z(f->name)))", "test_script_search"),
    "search-before": dropped(SEARCH, "\tremote_find(acc->remote);\n", "test_script_search"),
    "search-any-text": one(SEARCH, "if (!imap_term_ok(&w->term[i]))", "if (false)",
                           "test_script_search"),
    "together-first-only": one(TOGETHER, "\t\tif (t->v[i].arrived.n > 0)", "\t\tif (t->v[i].arrived.n > 2)",
                               "several folders at once"),
    "renamed-not-away": one(RENAMED, "if (!f->away || f->wire == NULL || f->missing)\n",
                            "if (f->away || f->wire == NULL || f->missing)\n", "folder renamed"),
}
