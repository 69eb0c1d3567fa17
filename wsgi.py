from platform_web.app import create_application

application = create_application()
