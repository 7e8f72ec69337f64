/* verify.c — `syncd verify`: is what was kept still what arrived?  The work is the
 * worker's, under the lock of its account. */
#include "cli/cli.h"

#include <sysexits.h>

#include "base/num.h"
#include "js.h"
#include "parent.h"

/* "5" or "5%". */
static int
percent_of(const struct cli *cli, unsigned *percent)
{
	struct str s = str_z(cli->sample);
	uint64_t n;

	if (cli->sample == NULL)
		return 0;
	if (s.n > 0 && s.p[s.n - 1] == '%')
		s.n--;
	if (!num_u64(s, 0, 100, &n))
		return cli_fail(cli, EX_USAGE, "usage",
		    "--sample takes a share such as 5%", NULL);
	*percent = (unsigned)n;
	return 0;
}

int
verb_verify(struct cli *cli)
{
	struct verify_wish wish = { .on = true, .percent = cli->deep ? 5 : 100,
	    .online = cli->online || cli->deep, .deep = cli->deep };
	int code = percent_of(cli, &wish.percent);

	if (code != 0)
		return code;
	return cli_job(cli, "verify", cli_targets(cli,
	    json_pack("{s:b, s:b, s:i}", "online", wish.online,
	    "deep", wish.deep, "percent", (int)wish.percent)),
	    &(struct parent_opts){ .verify = wish });
}
