/* A stand-in for OBS's browser source, which Debian's OBS lacks: the same id, settings and procedure, and no browser.
 *
 * It appends to the file MOODCAST_DOUBLE_LOG, one line each, fields separated by tabs:
 *   url <address> <width> <height>      when the address changed, which reloads a real browser source
 *   size <width> <height>               when only the size changed
 *   refresh <address>                   when its button "refreshnocache" was pressed
 *   event <eventName> <jsonString>      for each javascript_event
 * With MOODCAST_DOUBLE_OLD=1 the procedure is missing, as in OBS before 29.1.
 * It draws the PNG file MOODCAST_DOUBLE_PICTURE, where there is one, and again whenever it was replaced.
 *
 * Test code only: it links libobs, which is under the GPL, and is never shipped.
 * Build: gcc -shared -fPIC -o obs-browser.so browser_source_double.c $(pkg-config --cflags --libs libobs)
 */
#include <obs-module.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

OBS_DECLARE_MODULE()

struct page {
	char *url;
	uint32_t width, height;
	gs_texture_t *picture;
	struct timespec drawn;
};

static void write_line(const char *format, ...)
{
	const char *path = getenv("MOODCAST_DOUBLE_LOG");
	FILE *file = path ? fopen(path, "a") : NULL;
	if (!file)
		return;
	va_list arguments;
	va_start(arguments, format);
	vfprintf(file, format, arguments);
	va_end(arguments);
	fputc('\n', file);
	fclose(file);
}

static void javascript_event(void *data, calldata_t *call)
{
	(void)data;
	write_line("event\t%s\t%s", calldata_string(call, "eventName"), calldata_string(call, "jsonString"));
}

static const char *get_name(void *data)
{
	(void)data;
	return "Browser";
}

static void update(void *data, obs_data_t *settings)
{
	struct page *page = data;
	const char *url = obs_data_get_string(settings, "url");
	uint32_t width = (uint32_t)obs_data_get_int(settings, "width");
	uint32_t height = (uint32_t)obs_data_get_int(settings, "height");
	if (!page->url || strcmp(page->url, url) != 0)
		write_line("url\t%s\t%u\t%u", url, width, height);
	else if (page->width != width || page->height != height)
		write_line("size\t%u\t%u", width, height);
	bfree(page->url);
	page->url = bstrdup(url);
	page->width = width;
	page->height = height;
}

static bool refresh(obs_properties_t *properties, obs_property_t *button, void *data)
{
	(void)properties;
	(void)button;
	/* As the real one, which would crash if it got anything else than its own data. */
	write_line("refresh\t%s", ((struct page *)data)->url);
	return false;
}

static obs_properties_t *get_properties(void *data)
{
	(void)data;
	obs_properties_t *properties = obs_properties_create();
	obs_properties_add_button(properties, "refreshnocache", "Refresh cache of current page", refresh);
	return properties;
}

static void *create(obs_data_t *settings, obs_source_t *source)
{
	struct page *page = bzalloc(sizeof(*page));
	if (!getenv("MOODCAST_DOUBLE_OLD"))
		proc_handler_add(obs_source_get_proc_handler(source),
				 "void javascript_event(string eventName, string jsonString)", javascript_event, page);
	update(page, settings);
	return page;
}

static void destroy(void *data)
{
	struct page *page = data;
	obs_enter_graphics();
	gs_texture_destroy(page->picture);
	obs_leave_graphics();
	bfree(page->url);
	bfree(page);
}

static void video_tick(void *data, float seconds)
{
	(void)seconds;
	struct page *page = data;
	const char *path = getenv("MOODCAST_DOUBLE_PICTURE");
	struct stat found;
	if (!path || stat(path, &found) != 0)
		return;
	if (found.st_mtim.tv_sec == page->drawn.tv_sec && found.st_mtim.tv_nsec == page->drawn.tv_nsec)
		return;
	page->drawn = found.st_mtim;
	obs_enter_graphics();
	gs_texture_destroy(page->picture);
	page->picture = gs_texture_create_from_file(path);
	obs_leave_graphics();
}

static void video_render(void *data, gs_effect_t *effect)
{
	(void)effect;
	struct page *page = data;
	if (page->picture)
		obs_source_draw(page->picture, 0, 0, 0, 0, false);
}

static uint32_t get_width(void *data)
{
	return ((struct page *)data)->width;
}

static uint32_t get_height(void *data)
{
	return ((struct page *)data)->height;
}

static void get_defaults(obs_data_t *settings)
{
	obs_data_set_default_string(settings, "url", "https://obsproject.com/browser-source");
	obs_data_set_default_int(settings, "width", 800);
	obs_data_set_default_int(settings, "height", 600);
	obs_data_set_default_int(settings, "fps", 30);
	obs_data_set_default_bool(settings, "fps_custom", false);
	obs_data_set_default_bool(settings, "shutdown", false);
	obs_data_set_default_bool(settings, "restart_when_active", false);
	obs_data_set_default_bool(settings, "reroute_audio", false);
	obs_data_set_default_string(settings, "css", "body { background-color: rgba(0, 0, 0, 0); margin: 0px auto; overflow: hidden; }");
}

static struct obs_source_info info = {
	.id = "browser_source",
	.type = OBS_SOURCE_TYPE_INPUT,
	.output_flags = OBS_SOURCE_VIDEO | OBS_SOURCE_INTERACTION,
	.get_name = get_name,
	.create = create,
	.destroy = destroy,
	.update = update,
	.get_width = get_width,
	.get_height = get_height,
	.get_defaults = get_defaults,
	.get_properties = get_properties,
	.video_tick = video_tick,
	.video_render = video_render,
};

bool obs_module_load(void)
{
	obs_register_source(&info);
	return true;
}
