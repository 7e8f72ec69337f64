/*
 * frame.h — what the worker and its script process say to each other.
 *
 * A SOCK_SEQPACKET pair, one datagram a frame: a byte that says what it is, then
 * its fields, one after the other: numbers little-endian, text and bytes with
 * their length before them.  Message files ride along as read-only descriptors.
 * What is too long for a datagram (a blob) goes into a memfd that rides along,
 * too.  A getter never reads past the end: it marks the frame as bad and gives
 * zeros, so that a reader looks once, at the end.
 *
 * The script process is not trusted: whoever reads its frames checks each number
 * in them (host.c).  In the tables below "n x (...)" is a u32 count and that
 * many groups, and "blob" is bytes or a descriptor.
 *
 * Neither side ever waits for the other one to read: a frame that finds the
 * socket full is kept by its sender and sent later.
 */
#ifndef PLUGINS_FRAME_H
#define PLUGINS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum {
	FRAME_MAX	= 96 << 10,	/* fits the kernel's default buffer */
	FRAME_FDS	= 72,		/* 64 messages, and blobs */
	FRAME_INLINE	= 16 << 10,	/* a longer blob is a memfd */
	FRAME_BLOB_MAX	= 64 << 20,
	FRAME_BATCH	= 64		/* messages in an event */
};

enum frame_type {
	/* worker to script */
	FRAME_INIT = 1,	/* The first frame, once.  A descriptor rides along: the
			 * page with struct progress.
			 * text lua_dir; n x text readable directory;
			 * u32 thousands of instructions an event;
			 * u32 MiB of memory a plugin; u32 actions an event;
			 * then as FRAME_ACCOUNT */
	FRAME_ACCOUNT,	/* The account as it is now.
			 * text name; u8 online; n x text identity;
			 * n x (text mailbox; u8 enum frame_role;
			 *      u32 total) */
	FRAME_LOAD,	/* Load, or load anew: u32 plugin; text name; text path;
			 * u8 trusted; text options (JSON); text where each of
			 * them was written (JSON).  Answer: FRAME_LOADED */
	FRAME_EVENT,	/* u32 event; u8 enum hook_kind; u32 only (a plugin, or
			 * FRAME_ALL); text mailbox; text what; n x text arg;
			 * u64 since; n x u32 message index (what to ask; none:
			 * all); n x (u32 index, u32 plugin) not to be asked;
			 * n x message.
			 * message: u64 id; u32 uid; u64 size; u64 date; u32 sys;
			 *  text mailbox; text path; text origin; n x text keyword;
			 *  u32 sys added; u32 sys removed; n x text added;
			 *  n x text removed; text from; text message_id (of
			 *  what has no file to be read); u8 1: its descriptor
			 *  rides along */
	FRAME_REPLY,	/* To FRAME_CALL: u32 call; u8 enum frame_status;
			 * FAILED: text why; OK: by enum frame_call */
	FRAME_DROP,	/* The event's time is over: u32 event; no answer is
			 * wanted any more */

	/* script to worker */
	FRAME_HELLO = 64, /* The sandbox stands: u32 version; text remarks */
	FRAME_LOADED,	/* u32 plugin; text error ("": it runs now; else what ran
			 * before still does, if anything did);
			 * u64 kinds; u64 kinds wanted of a first sync, too;
			 * n x (text spec; u8 catch_up): timers;
			 * n x (text name; text doc): commands;
			 * n x (text permission; text argument): wanted grants */
	FRAME_RESULT,	/* n x (u32 event; u32 index; u8 last; n x op; n x write;
			 *  n x (u32 plugin; text where; text error); text reply)
			 * op: u32 plugin; u8 enum hook_op_kind; text verb;
			 *  text where; text lost; u64 message id; n x text arg;
			 *  u32 sys; u8 flags (enum frame_op_flag); u64 timeout, us;
			 *  blob when flagged
			 * write: u32 plugin; text store; text key; u8 remove;
			 *  blob value; u64 expires, seconds since 1970 or 0 */
	FRAME_CALL,	/* u32 call; u32 plugin; u8 enum frame_call; then by it */
	FRAME_LOG,	/* u32 plugin; u8 enum log_level; text */
	FRAME_METRIC	/* u32 plugin; text name; u64 added */
};

enum frame_call {
	CALL_STORE,	/* text store; text after (a key, "" at first).
			 * OK: u8 more; n x (text key; blob value) */
	CALL_MESSAGE,	/* u64 id.  OK: n x message (none: gone) */
	CALL_SEARCH,	/* u64 after (an id); text mailbox glob; u32 set;
			 * u32 clear; text keyword; u64 since; u64 before;
			 * u64 larger; u64 smaller; text message_id.
			 * OK: u8 more; n x message, without descriptors */
	CALL_UNSEEN,	/* text mailbox.  OK: u32 messages that are not read */
	CALL_EXEC,	/* n x text argv; n x text environment; u64 timeout, us;
			 * u8 1 and blob, or 0: stdin; text event id.
			 * OK: u32 exit code; u8 cut; blob stdout; blob stderr */
	CALL_SECRET,	/* text option.  OK: blob, the secret */
	CALL_SERVER,	/* n x text mailbox glob; n x (u8 enum imap_key; u32 group;
			 * text field; text text; u64 n).
			 * OK: blob of u64 ids: what the server found and is here */
	CALL_LOOK,	/* n x u64 id.  OK: n x message, without descriptors; those
			 * that are gone left out */
	CALL_CONNECT,	/* text address; u8 close our side behind the input; u64
			 * timeout, us; u8 1 and blob, or 0: input; text event id.
			 * OK: as CALL_EXEC */
	CALL_FILE	/* text path.  OK: blob, its bytes */
};

enum frame_op_flag {
	OP_BYTES	= 1 << 0,	/* a blob follows */
	OP_WHOLE	= 1 << 1,	/* the bytes are the message's */
	OP_ONCE		= 1 << 2	/* at most once */
};

enum { FRAME_VERSION = 1 };
#define FRAME_ALL	UINT32_MAX

enum frame_role {
	ROLE_NONE, ROLE_INBOX, ROLE_SENT, ROLE_TRASH, ROLE_JUNK, ROLE_DRAFTS,
	ROLE_ARCHIVE, ROLE_N
};

enum frame_status { FRAME_OK, FRAME_FAILED };

/* A frame being written. */
struct frame {
	struct buf	 b;
	int		 fd[FRAME_FDS];
	unsigned	 owned[FRAME_FDS];	/* 1: close it with the frame */
	size_t		 n_fds;
	bool		 bad;			/* something did not fit */
};

void	frame_init(struct frame *f, enum frame_type type);
void	frame_clear(struct frame *f);

void	frame_put_u8(struct frame *f, unsigned v);
void	frame_put_u32(struct frame *f, uint32_t v);
void	frame_put_u64(struct frame *f, uint64_t v);
void	frame_put_str(struct frame *f, struct str s);
/* Bytes of any length up to FRAME_BLOB_MAX. */
void	frame_put_blob(struct frame *f, struct str s);
/* A blob that lies in a file: ${fd} rides along, and stays the caller's. */
void	frame_put_blob_fd(struct frame *f, int fd);
/* ${fd} rides along and is closed with the frame. */
void	frame_take_ride(struct frame *f, int fd);
/* A blob that lies in a file, which is taken. */
void	frame_take_blob(struct frame *f, int fd);
/* Put a count to be filled in later, and fill it in. */
size_t	frame_count(struct frame *f);
void	frame_count_set(struct frame *f, size_t at, uint32_t n);

/* Send it.  1: gone; 0: the socket is full; -1: the other side is gone, or the
 * frame is bad (ERR_LOCAL). */
int	frame_send(int fd, struct frame *f, struct err *err);

/* Frames that wait for room in the socket, oldest first. */
struct frame_wait {
	struct frame_wait	*next;
	struct frame		 f;
};

struct frame_queue {
	struct frame_wait	*first, **end;
};

void	frame_queue_init(struct frame_queue *q);
void	frame_queue_clear(struct frame_queue *q);
/* ${f}, which is taken, is the last. */
void	frame_queue_put(struct frame_queue *q, struct frame *f);
/* The first, of which there is one, was sent or will never be. */
void	frame_queue_drop(struct frame_queue *q);

/* A frame being read.  Text that getters give lives until the next receive. */
struct frame_in {
	struct str	 rest;
	unsigned	 type;
	bool		 bad;
	int		 fd[FRAME_FDS];		/* -1: taken */
	size_t		 n_fds, next_fd;
	uint8_t		*room;			/* FRAME_MAX bytes */
	struct buf	 blob[2];		/* what memfds held */
	size_t		 n_blobs;
};

void	frame_in_init(struct frame_in *in);
void	frame_in_clear(struct frame_in *in);
/* Read from bytes at hand, without a socket (tests, files). */
void	frame_in_bytes(struct frame_in *in, struct str bytes);

/* The frame as it would arrive: its descriptors are taken, its bytes borrowed. */
void	frame_in_loop(struct frame_in *in, struct frame *f);
/* 1: a frame was read; 0: none now; -1: the other side is gone (ERR_CANCEL) or
 * sent what is no frame (ERR_PROTO).  Descriptors not taken are closed. */
int	frame_recv(int fd, struct frame_in *in, struct err *err);

unsigned	frame_u8(struct frame_in *in);
uint32_t	frame_u32(struct frame_in *in);
uint64_t	frame_u64(struct frame_in *in);
struct str	frame_str(struct frame_in *in);
struct str	frame_blob(struct frame_in *in);
/* A blob as a file, at 0, to be closed; -1: bad. */
int		frame_blob_fd(struct frame_in *in);
/* A count that the rest can hold when each group takes ${least} bytes or more
 * (>= 1), and at most ${max}; else the frame is bad and the count 0. */
uint32_t	frame_n(struct frame_in *in, size_t least, uint32_t max);
/* The next descriptor, now the caller's; -1 and bad when there is none. */
int		frame_take_fd(struct frame_in *in);
/* Everything was read, and all of it was well formed. */
bool		frame_ended(const struct frame_in *in);

#endif
