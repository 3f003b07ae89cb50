/*
 * notify_listen.c: a service manager's ear: prints each datagram that comes to a
 * socket as one line, newlines in it as spaces.  Ends with whoever started it.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

int
main(int argc, char **argv)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	char		text[4096];
	int			fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	ssize_t		len;

	if (argc != 2 || strlen(argv[1]) >= sizeof(where.sun_path))
		return 2;
	strcpy(where.sun_path, argv[1]);
	if (bind(fd, (const struct sockaddr *) &where, sizeof(where)) != 0)
	{
		perror("bind");
		return 1;
	}
	while ((len = recv(fd, text, sizeof(text) - 1, 0)) >= 0)
	{
		text[len] = '\0';
		for (char *p = text; *p != '\0'; p++)
			*p = *p == '\n' ? ' ' : *p;
		puts(text);
		fflush(stdout);
	}
	return 0;
}
