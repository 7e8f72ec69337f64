/*
 * lane_impl.h — what lane.c, open.c and cmd.c know of a lane.  Private to
 * sync/imap.
 */
#ifndef IMAP_LANE_IMPL_H
#define IMAP_LANE_IMPL_H

#include "base/buf.h"
#include "imap/cmd.h"
#include "imap/lane.h"
#include "imap/parse.h"

enum { TAG_MAX = 24, COMMAND_MAX = 64 << 10 };

enum piece_kind { PIECE_TEXT, PIECE_SECRET, PIECE_FILE };

/* A part of a command: text, or a message that streams from its file. */
struct piece {
	enum piece_kind		 kind;
	char			*text;
	size_t			 n;
	bool			 wait;	/* for "+" before these bytes */
	struct imap_upload	 up;	/* PIECE_FILE */
};

enum cmd_kind { CMD_PLAIN, CMD_SELECT, CMD_UNSELECT, CMD_COPY, CMD_APPEND,
    CMD_IDLE, CMD_LOGOUT };

struct cmd {
	struct cmd	*next;
	enum cmd_kind	 kind;
	char		 tag[TAG_MAX];
	uint32_t	 req;
	bool		 final;		/* the last of its request */
	bool		 sent;		/* every byte is with the stream */
	bool		 go;		/* "+" has come for the next piece */
	bool		 begun;		/* SELECT: answers are its own now */
	struct piece	*piece;
	size_t		 n, cap, at;	/* pieces; which is being sent */
	uint64_t	 left;		/* of the file being sent */
	char		 prev;		/* last byte, for eol_to_wire */
	/* What earlier commands of the request were answered. */
	enum done_status worst;
	char		 code[32];
	char		 text[200];
	uint32_t	*src, *dst;
	size_t		 n_copied;
	bool		 no_src;	/* APPENDUID */
	struct uidvalidity validity;
};

enum idle_state { IDLE_OFF, IDLE_ASKED, IDLE_ON };

struct imap_lane {
	struct lane		 lane;		/* first */
	struct stream		*st;
	struct imap_reader	*reader;
	struct imap_caps	 caps;
	uint64_t		 forbid;
	uint64_t		 learned;	/* capability bits of ours */
	struct imap_server	 server;
	struct imap_box		 box;
	struct cmd		*head, **tail;	/* in order of submission */
	struct cmd		*done;		/* answered last: what EV_DONE
						 * borrows from */
	size_t			 n_cmds;
	uint32_t		 last_req;
	unsigned		 last_tag;
	char			 tag_prefix[8];
	size_t			 to_eat;	/* lent out with the last event */
	enum idle_state		 idle;
	bool			 idle_done;	/* DONE is wanted, or sent */
	bool			 selected_next;	/* a SELECT is queued */
	bool			 bye;
	char			 bye_text[200];
	usec			 timeout;
	usec			 last_byte;
	char			 name[32];
};

static inline struct imap_lane *
imap_of(struct lane *ln)
{
	return (struct imap_lane *)ln;
}

static inline const struct imap_lane *
imap_of_const(const struct lane *ln)
{
	return (const struct imap_lane *)ln;
}

/* A new command at the end of the queue, with its tag as first text. */
struct cmd	*cmd_new(struct imap_lane *l, enum cmd_kind kind, uint32_t req);
void		 cmd_add(struct cmd *c, struct str text);
void		 cmd_fmt(struct cmd *c, const char *fmt, ...) PRINTF(2, 3);
void		 cmd_add_secret(struct cmd *c, struct str text);
void		 cmd_free(struct cmd *c);

/* One response, for the straight line of imap_open(): whatever comes first.
 * 0; -1 at the deadline or the end. */
int	lane_read(struct imap_lane *l, struct resp *resp, usec deadline,
	    struct err *err);
/* Take over capabilities as announced. */
void	lane_caps(struct imap_lane *l, struct str list);
/* What BYE's text means. */
int	lane_bye(const struct imap_lane *l, struct err *err);
extern const struct lane_ops imap_lane_ops;

#endif
