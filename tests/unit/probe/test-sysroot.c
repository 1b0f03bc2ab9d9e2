/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/sysfs/sysroot.h"
#include "tests/unit/fakesys.h"

#include <sys/stat.h>

static struct fakesys *fake;
static struct sysroot *root;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	return sysroot_new(fake->path, &root);
}

static int teardown(void **state)
{
	(void)state;
	sysroot_free(root);
	fakesys_free(fake);
	return 0;
}

static ssize_t read_file(const char *path, char *text)
{
	return sysdir_read(sysroot_dir(root), path, text, ATTRIBUTE_SIZE);
}

static void trailing_white_space_is_removed(void **state)
{
	char text[ATTRIBUTE_SIZE];

	(void)state;
	fakesys_file(fake, "sys/a", "hello\nworld \n\n");
	assert_int_equal(read_file("sys/a", text), strlen("hello\nworld"));
	assert_string_equal(text, "hello\nworld");
	fakesys_file(fake, "sys/empty", "");
	assert_int_equal(read_file("sys/empty", text), 0);
	assert_string_equal(text, "");
	fakesys_file(fake, "sys/blank", "\n");
	assert_int_equal(read_file("sys/blank", text), 0);
}

static void files_larger_than_a_page_are_rejected(void **state)
{
	char text[ATTRIBUTE_SIZE], *page = malloc(10000);

	(void)state;
	memset(page, 'x', 10000);
	fakesys_bytes(fake, "sys/page", page, 4096);
	assert_int_equal(read_file("sys/page", text), 4096);
	fakesys_bytes(fake, "sys/more", page, 4097);
	assert_int_equal(read_file("sys/more", text), -EFBIG);
	fakesys_bytes(fake, "sys/much", page, 10000);
	assert_int_equal(read_file("sys/much", text), -EFBIG);
	free(page);
}

static void other_bytes_are_unchanged(void **state)
{
	char text[ATTRIBUTE_SIZE];

	(void)state;
	fakesys_bytes(fake, "sys/nul", "a\0b\xff", 4);
	assert_int_equal(read_file("sys/nul", text), 4);
	assert_memory_equal(text, "a\0b\xff", 5);
}

static void anything_but_a_regular_file_is_an_error(void **state)
{
	char text[ATTRIBUTE_SIZE], fifo[128];

	(void)state;
	assert_int_equal(read_file("sys/none", text), -ENOENT);
	assert_int_equal(read_file("sys/bus", text), -EISDIR);
	assert_int_equal(read_file("sys/bus/pci/devices/x/y", text), -ENOENT);
	/* a FIFO without a writer must not block */
	snprintf(fifo, sizeof(fifo), "%s/sys/fifo", fake->path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(read_file("sys/fifo", text), 0);
}

static void links_cannot_leave_the_root(void **state)
{
	char text[ATTRIBUTE_SIZE];
	struct sysdir dir;

	(void)state;
	fakesys_file(fake, "etc/passwd", "inside");
	fakesys_link(fake, "sys/absolute", "/etc/passwd");
	fakesys_link(fake, "sys/climbing", "../../../../../../../../etc/passwd");
	fakesys_link(fake, "sys/etc", "/etc");
	fakesys_link(fake, "sys/host", "/proc/1");
	assert_int_equal(read_file("sys/absolute", text), strlen("inside"));
	assert_int_equal(read_file("sys/climbing", text), strlen("inside"));
	assert_int_equal(read_file("sys/etc/passwd", text), strlen("inside"));
	assert_int_equal(read_file("sys/host/status", text), -ENOENT);
	assert_int_equal(sysdir_open(sysroot_dir(root), "sys", &dir), 0);
	assert_int_equal(sysdir_read(&dir, "absolute", text, sizeof(text)), strlen("inside"));
	sysdir_close(&dir);
	assert_int_equal(sysdir_open(sysroot_dir(root), "sys/host", &dir), -ENOENT);
}

static void links_are_read_unresolved(void **state)
{
	char target[64];

	(void)state;
	fakesys_link(fake, "sys/link", "../nowhere/at/all");
	assert_int_equal(sysdir_readlink(sysroot_dir(root), "sys/link", target, sizeof(target)),
			 17);
	assert_string_equal(target, "../nowhere/at/all");
	assert_int_equal(sysdir_readlink(sysroot_dir(root), "sys/link", target, 17), -ENAMETOOLONG);
	assert_int_equal(sysdir_readlink(sysroot_dir(root), "sys/bus", target, sizeof(target)),
			 -EINVAL);
	assert_int_equal(sysdir_readlink(sysroot_dir(root), "sys/none", target, sizeof(target)),
			 -ENOENT);
}

static void a_path_that_is_too_long_is_rejected(void **state)
{
	char name[300];
	struct sysdir dir;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(sysdir_open(sysroot_dir(root), name, &dir), -ENAMETOOLONG);
}

static void note(void *data, enum sysroot_kind thing, const char *path, const char *text,
		 size_t length)
{
	static const char marks[] = {
		[SYSROOT_FILE] = '-', [SYSROOT_LINK] = '@', [SYSROOT_DIRECTORY] = '/'};

	snprintf((char *)data + strlen(data), 200, "%s%c%.*s ", path, marks[thing], (int)length,
		 text);
}

static void the_observer_is_called_for_all_reads(void **state)
{
	char seen[512] = "", text[ATTRIBUTE_SIZE];
	struct sysdir dir;
	DIR *list;

	(void)state;
	fakesys_file(fake, "sys/bus/a", "1\n");
	fakesys_link(fake, "sys/bus/b", "c");
	sysroot_watch(root, note, seen);
	assert_int_equal(sysdir_open(sysroot_dir(root), "sys/bus", &dir), 0);
	sysdir_read(&dir, "a", text, sizeof(text));
	sysdir_readlink(&dir, "b", text, sizeof(text));
	sysdir_read(&dir, "none", text, sizeof(text));
	assert_int_equal(sysdir_list(&dir, "pci", &list), 0);
	assert_string_equal(sysdir_next(list)->d_name, "devices");
	closedir(list);
	sysdir_close(&dir);
	assert_string_equal(seen, "sys/bus/ sys/bus/a-1\n sys/bus/b@c sys/bus/pci/devices/ ");
}

static void the_root_of_the_host_is_recognized(void **state)
{
	struct sysroot *host;

	(void)state;
	assert_int_equal(sysroot_new("/", &host), 0);
	assert_true(sysroot_is_host(host));
	assert_string_equal(sysroot_path(host), "");
	sysroot_free(host);
	assert_false(sysroot_is_host(root));
	assert_string_equal(sysroot_path(root), fake->path);
	assert_int_equal(sysroot_new("/nowhere/at/all", &host), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(trailing_white_space_is_removed, setup, teardown),
		cmocka_unit_test_setup_teardown(files_larger_than_a_page_are_rejected, setup,
						teardown),
		cmocka_unit_test_setup_teardown(other_bytes_are_unchanged, setup, teardown),
		cmocka_unit_test_setup_teardown(anything_but_a_regular_file_is_an_error, setup,
						teardown),
		cmocka_unit_test_setup_teardown(links_cannot_leave_the_root, setup, teardown),
		cmocka_unit_test_setup_teardown(links_are_read_unresolved, setup, teardown),
		cmocka_unit_test_setup_teardown(a_path_that_is_too_long_is_rejected, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_observer_is_called_for_all_reads, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_root_of_the_host_is_recognized, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("sysroot", tests, NULL, NULL);
}
